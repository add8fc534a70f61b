/**
 * Somebody new with pictures: each picture is examined before anything is kept, then the person is made, then the
 * pictures follow one by one. What fails in between goes on where it stopped: the person is made once.
 */
import { computed, onScopeDispose, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import type { Examined, FaceSample, Person, PersonDraft } from '@/api/faceTypes'
import { addPerson, addSample, examinePhoto } from '@/api/people'
import { isAbort, RequestProblem } from '@/api/problem'
import { onceKey } from '@/key'
import { photoFault, type PhotoFault } from './usePhotoFile'

/** `other`: it looks like somebody else who is enrolled; a human has to say so. */
export type ShotState = 'examining' | 'good' | 'poor' | 'other' | 'failed' | 'sending' | 'kept'

export interface Shot {
  id: number
  file: File
  url: string
  state: ShotState
  /** 0 to 1; null while it is not known. */
  quality: number | null
  reasons: string[]
  /** Whom it resembles. */
  others: readonly { person_id: string; name: string }[]
  /** A human said that it is this person nonetheless. */
  despite: boolean
  error: unknown
}

export interface EnrolmentOptions {
  /** Injected in tests. */
  examine?: (photo: Blob, options: { signal: AbortSignal }) => Promise<Examined>
  makePerson?: (draft: PersonDraft, idempotencyKey: string) => Promise<Person>
  send?: (person_id: string, photo: Blob, despite: readonly string[]) => Promise<FaceSample>
}

export interface Enrolment {
  shots: Readonly<ShallowRef<Shot[]>>
  /** Why the file that came last was not taken. */
  fault: Readonly<ShallowRef<PhotoFault | null>>
  /** Pictures that would be or are kept. */
  good: ComputedRef<number>
  busy: Readonly<ShallowRef<boolean>>
  add: (files: Iterable<File>) => Promise<void>
  drop: (id: number) => void
  /** It is this person, although it resembles somebody else. */
  insist: (id: number) => void
  /** Ask again about one whose examination failed. */
  again: (id: number) => Promise<void>
  /** Make the person (unless `person_id` names one that is there) and send what is good. Throws what the server refused. */
  save: (draft: PersonDraft | null, person_id?: string) => Promise<Person | null>
  reset: () => void
}

/** Reasons of a refusal as the server names them, or none. */
export function reasonsOf(error: unknown): string[] {
  if (!(error instanceof RequestProblem) || error.problem.type !== '#face_quality') return []
  const named = error.problem.errors?.filter((each) => each.field === 'quality') ?? []
  return named.map((each) => each.message)
}

/** Whom a refused face resembles, or nobody. */
export function othersOf(error: unknown): { person_id: string; name: string }[] {
  if (!(error instanceof RequestProblem) || error.problem.type !== '#face_of_other') return []
  const named = error.problem.errors?.filter((each) => each.field.startsWith('person.')) ?? []
  return named.map((each) => ({ person_id: each.field.slice('person.'.length), name: each.message }))
}

/** Of the largest face: it is the one that would be enrolled. */
function judged(examined: Examined): Pick<Shot, 'state' | 'quality' | 'reasons'> {
  const [face] = examined.faces
  if (face === undefined) return { state: 'poor', quality: 0, reasons: ['no_face'] }
  return { state: face.usable ? 'good' : 'poor', quality: face.quality, reasons: face.quality_reasons }
}

export function useEnrolment(options: EnrolmentOptions = {}): Enrolment {
  const { examine = examinePhoto, makePerson = addPerson, send = addSample } = options
  const shots = shallowRef<Shot[]>([])
  const fault = shallowRef<PhotoFault | null>(null)
  const busy = shallowRef(false)
  let run = new AbortController()
  let made: Person | null = null
  const once = onceKey()
  let count = 0

  function set(id: number, change: Partial<Shot>): void {
    shots.value = shots.value.map((shot) => (shot.id === id ? { ...shot, ...change } : shot))
  }

  async function look(id: number): Promise<void> {
    const shot = shots.value.find((each) => each.id === id)
    if (shot === undefined) return
    const mine = run
    set(id, { state: 'examining', error: null })
    try {
      set(id, judged(await examine(shot.file, { signal: mine.signal })))
    } catch (error) {
      if (!mine.signal.aborted && !isAbort(error)) set(id, { state: 'failed', error })
    }
  }

  async function add(files: Iterable<File>): Promise<void> {
    fault.value = null
    const fresh: number[] = []
    for (const file of files) {
      const wrong = photoFault(file)
      if (wrong !== null) {
        fault.value = wrong
        continue
      }
      count += 1
      fresh.push(count)
      const url = URL.createObjectURL(file)
      shots.value = [
        ...shots.value,
        {
          id: count,
          file,
          url,
          state: 'examining',
          quality: null,
          reasons: [],
          others: [],
          despite: false,
          error: null,
        },
      ]
    }
    // one at a time: a folder of pictures must not crowd out the cameras
    for (const id of fresh) await look(id)
  }

  function drop(id: number): void {
    const shot = shots.value.find((each) => each.id === id)
    if (shot !== undefined) URL.revokeObjectURL(shot.url)
    shots.value = shots.value.filter((each) => each.id !== id)
  }

  async function sendOne(person_id: string, shot: Shot): Promise<void> {
    set(shot.id, { state: 'sending' })
    try {
      await send(person_id, shot.file, shot.despite ? shot.others.map((one) => one.person_id) : [])
      set(shot.id, { state: 'kept' })
    } catch (error) {
      const [reasons, others] = [reasonsOf(error), othersOf(error)]
      // the last word on quality is the server's
      if (reasons.length > 0) set(shot.id, { state: 'poor', reasons })
      else if (others.length > 0) set(shot.id, { state: 'other', others, despite: false })
      else {
        set(shot.id, { state: 'good' })
        throw error
      }
    }
  }

  async function save(draft: PersonDraft | null, person_id?: string): Promise<Person | null> {
    busy.value = true
    try {
      if (person_id === undefined && made === null && draft !== null)
        made = await once.send((key) => makePerson(draft, key))
      const id = person_id ?? made?.person_id
      if (id === undefined) throw new Error('enrolment: expected a person, got none')
      for (const shot of shots.value.filter((each) => each.state === 'good')) await sendOne(id, shot)
      return made
    } finally {
      busy.value = false
    }
  }

  function reset(): void {
    run.abort()
    run = new AbortController()
    for (const shot of shots.value) URL.revokeObjectURL(shot.url)
    shots.value = []
    fault.value = null
    made = null
    once.renew()
  }

  const good = computed(
    () => shots.value.filter(({ state }) => ['good', 'sending', 'kept'].includes(state)).length,
  )
  onScopeDispose(reset)
  const insist = (id: number) => set(id, { state: 'good', despite: true })
  return { shots, fault, good, busy, add, drop, insist, again: look, save, reset }
}
