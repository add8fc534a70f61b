/** A person while somebody fills in the form: what is in the fields, what is wrong, what is sent. */
import type { Basis, Person, PersonDraft } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import { describeProblem, type Translate } from '@/describe'

export interface PersonValues {
  name: string
  external_ref: string
  note: string
  basis: Basis
  basis_detail: string
  /** ms since the epoch. */
  consented_at: number | null
  expires_at: number | null
  list_ids: string[]
}

export const BASES: readonly Basis[] = ['consent', 'contract', 'duty', 'safety']
const MOST = { name: 64, external_ref: 64, note: 500, basis_detail: 200 }

export const emptyPerson = (): PersonValues => ({
  name: '',
  external_ref: '',
  note: '',
  basis: 'consent',
  basis_detail: '',
  consented_at: null,
  expires_at: null,
  list_ids: [],
})

const moment = (at: string | null) => (at === null ? null : Date.parse(at))

export const valuesOf = (person: Person): PersonValues => ({
  name: person.name,
  external_ref: person.external_ref ?? '',
  note: person.note,
  basis: person.basis,
  basis_detail: person.basis_detail,
  consented_at: moment(person.consented_at),
  expires_at: moment(person.expires_at),
  list_ids: [...person.list_ids],
})

/** The key of a text for each field that cannot stay so. */
export function faultsOf(values: PersonValues, now: number): Partial<Record<keyof PersonValues, string>> {
  const faults: Partial<Record<keyof PersonValues, string>> = {}
  if (values.name.trim() === '') faults.name = 'people.needName'
  for (const field of ['name', 'external_ref', 'note', 'basis_detail'] as const)
    if ([...values[field].trim()].length > MOST[field]) faults[field] = 'people.tooLong'
  // Without the day on which it was given, nobody can show that there is a consent.
  if (values.basis === 'consent' && values.consented_at === null) faults.consented_at = 'people.needConsent'
  if (values.consented_at !== null && values.consented_at > now) faults.consented_at = 'people.consentAhead'
  if (values.expires_at !== null && values.expires_at <= now) faults.expires_at = 'people.expiryPast'
  return faults
}

export function draftOf(values: PersonValues): PersonDraft {
  const when = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  const ref = values.external_ref.trim()
  return {
    name: values.name.trim(),
    external_ref: ref === '' ? null : ref,
    note: values.note.trim(),
    basis: values.basis,
    basis_detail: values.basis_detail.trim(),
    consented_at: when(values.consented_at),
    expires_at: when(values.expires_at),
    list_ids: values.list_ids,
  }
}

/** Why it was not kept; the usual refusal is a number that somebody else has. */
export const describeSaving = (error: unknown, t: Translate): string =>
  error instanceof RequestProblem && error.status === 409 ? t('people.refTaken') : describeProblem(error, t)
