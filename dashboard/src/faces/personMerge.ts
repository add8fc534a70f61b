/** Two people change one person: what came meanwhile joins what is typed, and where both changed a field the typed stays. */
import type { PersonValues } from './personDraft'

type Field = keyof PersonValues

/** Texts of the fields. */
export const FIELD_TEXT: Record<Field, string> = {
  name: 'people.name',
  external_ref: 'people.ref',
  note: 'people.note',
  basis: 'people.basis',
  basis_detail: 'people.basisDetail',
  consented_at: 'people.consentedAt',
  expires_at: 'people.expiresAt',
  list_ids: 'people.lists',
}

export interface Merged {
  /** For the form. */
  values: PersonValues
  /** Changed by somebody else only: taken over. */
  taken: Field[]
  /** Changed by both, to something else: what was typed stays. */
  disputed: Field[]
}

const same = (one: unknown, other: unknown): boolean =>
  Array.isArray(one) && Array.isArray(other)
    ? one.length === other.length && one.every((each) => other.includes(each))
    : one === other

/** `before`: when the form was opened; `typed`: what is in it; `now`: what is stored. */
export function mergePerson(before: PersonValues, typed: PersonValues, now: PersonValues): Merged {
  const fields = Object.keys(FIELD_TEXT) as Field[]
  const theirs = fields.filter((field) => !same(before[field], now[field]) && !same(typed[field], now[field]))
  const disputed = theirs.filter((field) => !same(before[field], typed[field]))
  const taken = theirs.filter((field) => !disputed.includes(field))
  const values = { ...typed, ...Object.fromEntries(taken.map((field) => [field, now[field]])) }
  return { values, taken, disputed }
}
