/** Who is enrolled: persons, their lists, their pictures, and decisions about who is who. */
import { client } from './client'
import type {
  Examined,
  FaceList,
  FaceListDraft,
  FaceSample,
  GalleryChange,
  Person,
  PersonDraft,
  PersonQuery,
} from './faceTypes'
import type { Page } from './types'
import { upload, type UploadOptions } from './upload'

const one = (person_id: string) => `/faces/persons/${encodeURIComponent(person_id)}`

export const photoForm = (photo: Blob, name = 'face.jpg'): FormData => {
  const form = new FormData()
  form.append('photo', photo, photo instanceof File ? photo.name : name)
  return form
}

export const listLists = (signal?: AbortSignal) =>
  client.call<Page<FaceList>>('/faces/lists', { signal }).then((page) => page.items)

export const addList = (draft: FaceListDraft, idempotencyKey: string) =>
  client.call<FaceList>('/faces/lists', { method: 'POST', json: draft, idempotencyKey })

export const changeList = (list_id: string, change: Partial<FaceListDraft>) =>
  client.call<FaceList>(`/faces/lists/${encodeURIComponent(list_id)}`, { method: 'PATCH', json: change })

export const removeList = (list_id: string) =>
  client.call<void>(`/faces/lists/${encodeURIComponent(list_id)}`, { method: 'DELETE' })

export const listPersons = (query: PersonQuery, signal?: AbortSignal) =>
  client.call<Page<Person>>('/faces/persons', { query: { ...query }, signal })

export const fetchPerson = (person_id: string, signal?: AbortSignal) =>
  client.call<Person>(one(person_id), { signal })

export const addPerson = (draft: PersonDraft, idempotencyKey: string) =>
  client.call<Person>('/faces/persons', { method: 'POST', json: draft, idempotencyKey })

/** `version`: `updated_at` of the person as it was when somebody began to change it. */
export const changePerson = (person_id: string, change: Partial<PersonDraft>, version: string) =>
  client.call<Person>(one(person_id), { method: 'PATCH', json: change, ifMatch: version })

export const listSamples = (person_id: string, signal?: AbortSignal) =>
  client.call<Page<FaceSample>>(`${one(person_id)}/samples`, { signal }).then((page) => page.items)

/** `despite`: persons whom the face resembles, as a refusal named them: enrol it nonetheless. */
export function addSample(person_id: string, photo: Blob, despite: readonly string[] = []) {
  const form = photoForm(photo)
  for (const other of despite) form.append('despite', other)
  return upload<FaceSample>(`${one(person_id)}/samples`, form)
}

export const addSampleFromSighting = (person_id: string, sighting_id: string) =>
  client.call<FaceSample>(`${one(person_id)}/samples/from-sighting`, {
    method: 'POST',
    json: { sighting_id },
  })

export const removeSample = (sample_id: string) =>
  client.call<void>(`/faces/samples/${encodeURIComponent(sample_id)}`, { method: 'DELETE' })

/** Which faces are in a photo and how good they are. Nothing is kept. */
export const examinePhoto = (photo: Blob, options: UploadOptions = {}) =>
  upload<Examined>('/faces/examine', photoForm(photo), options)

export const mergePersons = (person_id: string, other_id: string) =>
  client.call<GalleryChange>(`${one(person_id)}/merge`, { method: 'POST', json: { other_id } })

export const splitPerson = (person_id: string, sample_ids: string[], name: string) =>
  client.call<GalleryChange>(`${one(person_id)}/split`, {
    method: 'POST',
    json: { sample_ids, sighting_ids: [], name },
  })

export const listChanges = (person_id: string, signal?: AbortSignal) =>
  client
    .call<Page<GalleryChange>>('/faces/changes', { query: { person_id }, signal })
    .then((page) => page.items)

export const undoChange = (change_id: string) =>
  client.call<GalleryChange>(`/faces/changes/${encodeURIComponent(change_id)}/undo`, {
    method: 'POST',
    json: {},
  })
