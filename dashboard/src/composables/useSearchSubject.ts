/**
 * Whose face is looked for, as the address says: `?person=`, `?sighting=` or `?pass=`. A pass that has no sighting (yet)
 * is looked for by its picture.
 */
import { computed, type ComputedRef, type ShallowRef } from 'vue'
import { useRoute } from 'vue-router'
import { client } from '@/api/client'
import { fetchSighting, listSightings } from '@/api/faceSearch'
import type { Sighting } from '@/api/faceTypes'
import { fetchPass } from '@/api/passes'
import { fetchPerson } from '@/api/people'
import { useLoaded } from './useLoaded'
import type { PhotoFile } from './usePhotoFile'

export interface KnownFace {
  picture: string | null
  /** Null: nobody knows the name. */
  title: string | null
  at: string | null
  person_id?: string
  sighting_id?: string
}

export interface SearchSubjectOptions {
  /** Takes the picture of a pass without a sighting. */
  photo: Pick<PhotoFile, 'take'>
}

export interface SearchSubject {
  known: Readonly<ShallowRef<KnownFace | null>>
  ids: ComputedRef<{ person_id?: string; sighting_id?: string }>
  loading: ComputedRef<boolean>
  fault: Readonly<ShallowRef<unknown>>
}

/** What the address names; empty: not that. */
type Asked = Record<'person' | 'sighting' | 'pass', string>

/** Times of passes and sightings are written by different services, ms. */
const SLACK_MS = 1000
/** As many people are before one camera during one pass. */
const MOST = 100

const faceOf = (sighting: Sighting): KnownFace => ({
  picture: sighting.crop_url,
  title: sighting.person_name,
  at: sighting.seen_at,
  sighting_id: sighting.sighting_id,
})

export function useSearchSubject({ photo }: SearchSubjectOptions): SearchSubject {
  const route = useRoute()
  const named = (name: keyof Asked) =>
    computed(() => (typeof route.query[name] === 'string' ? route.query[name] : ''))
  const [person, sighting, pass] = [named('person'), named('sighting'), named('pass')]
  const asked = computed<Asked | null>(() =>
    person.value || sighting.value || pass.value
      ? { person: person.value, sighting: sighting.value, pass: pass.value }
      : null,
  )

  async function ofPass(pass_id: string, signal: AbortSignal): Promise<KnownFace | null> {
    const { face_url, camera_id, opened_at, closed_at, last_seen_at } = await fetchPass(pass_id, signal)
    const end = Date.parse(closed_at ?? last_seen_at ?? opened_at) + SLACK_MS
    const during = { camera_id, from: opened_at, to: new Date(end).toISOString(), limit: MOST }
    const seen = (await listSightings(during, signal)).items.find((one) => one.source_id === pass_id)
    if (seen !== undefined) return faceOf(seen)
    if (face_url === null) return null
    const answer = await client.raw(face_url.split('?')[0] ?? '', { accept: 'image/*', signal })
    const picture = await answer.blob()
    if (!signal.aborted) photo.take(new File([picture], 'face.jpg', { type: 'image/jpeg' }))
    return null
  }

  async function find(asked: Asked, signal: AbortSignal): Promise<KnownFace | null> {
    if (asked.sighting) return faceOf(await fetchSighting(asked.sighting, signal))
    if (asked.pass) return ofPass(asked.pass, signal)
    const found = await fetchPerson(asked.person, signal)
    return { picture: found.crop_url, title: found.name, at: null, person_id: found.person_id }
  }

  const it = useLoaded({ key: asked, load: find })
  const known = it.value
  const ids = computed(() => {
    const { person_id, sighting_id } = known.value ?? {}
    return person_id !== undefined ? { person_id } : sighting_id !== undefined ? { sighting_id } : {}
  })
  return { known, ids, loading: computed(() => it.state.value === 'loading'), fault: it.error }
}
