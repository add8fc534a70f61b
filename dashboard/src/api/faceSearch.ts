/** Who was that: searches, comparisons, what was seen, and who asked for it. */
import { client } from './client'
import type {
  AboutFaces,
  BatchAnswer,
  BatchWanted,
  Comparison,
  Decided,
  FaceQuery,
  SearchAnswer,
  SearchWanted,
  Sighting,
  SightingQuery,
} from './faceTypes'
import { photoForm } from './people'
import type { Page } from './types'
import { upload, type UploadOptions } from './upload'

/** Many photos on a slow line, and a second for each. */
const BATCH_TIMEOUT_MS = 10 * 60_000

const one = (sighting_id: string) => `/faces/sightings/${encodeURIComponent(sighting_id)}`

/** Multipart fields are texts; lists are repeated, and the corners of a box are one text. */
function formOf(form: FormData, wanted: object): FormData {
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined || value === null || value === '') continue
    const texts = Array.isArray(value) && name !== 'box' ? value : [value]
    for (const each of texts) form.append(name, String(each))
  }
  return form
}

export const searchPhoto = (photo: Blob, wanted: SearchWanted, options: UploadOptions = {}) =>
  upload<SearchAnswer>('/faces/search', formOf(photoForm(photo), wanted), options)

export const searchKnown = (wanted: SearchWanted, signal?: AbortSignal) =>
  client.call<SearchAnswer>('/faces/search', { method: 'POST', json: wanted, signal })

export function searchBatch(photos: readonly File[], wanted: BatchWanted, options: UploadOptions = {}) {
  const form = formOf(new FormData(), wanted)
  for (const photo of photos) form.append('photo', photo, photo.name)
  return upload<BatchAnswer>('/faces/search/batch', form, { timeoutMs: BATCH_TIMEOUT_MS, ...options })
}

/** One side of a comparison. */
export interface Side {
  photo?: Blob
  sighting_id?: string
  person_id?: string
}

export function compareFaces(first: Side, second: Side, purpose: string, signal?: AbortSignal) {
  const form = new FormData()
  for (const [name, side] of Object.entries({ first, second })) {
    if (side.photo) form.append(name, side.photo, 'face.jpg')
    else if (side.sighting_id) form.append(`${name}_sighting_id`, side.sighting_id)
    else if (side.person_id) form.append(`${name}_person_id`, side.person_id)
  }
  form.append('purpose', purpose)
  return upload<Comparison>('/faces/compare', form, { signal })
}

export const listSightings = (query: SightingQuery, signal?: AbortSignal) =>
  client.call<Page<Sighting>>('/faces/sightings', { query: { ...query }, signal })

export const fetchSighting = (sighting_id: string, signal?: AbortSignal) =>
  client.call<Sighting>(one(sighting_id), { signal })

export const confirmSighting = (sighting_id: string, person_id: string) =>
  client.call<Decided>(`${one(sighting_id)}/confirm`, { method: 'POST', json: { person_id } })

export const rejectSighting = (sighting_id: string) =>
  client.call<Decided>(`${one(sighting_id)}/reject`, { method: 'POST', json: {} })

export const listQueries = (query: { after?: string; limit?: number }, signal?: AbortSignal) =>
  client.call<Page<FaceQuery>>('/faces/queries', { query: { ...query }, signal })

export const aboutFaces = (signal?: AbortSignal) => client.call<AboutFaces>('/faces/about', { signal })
