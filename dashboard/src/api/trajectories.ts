/** Where somebody has been, and the plans to draw it on. */
import { client } from './client'
import type { FloorPlan, Trajectory } from './faceTypes'
import type { Page } from './types'
import { upload } from './upload'

export interface TrackSubject {
  /** Somebody enrolled, or an unknown face by one of its sightings. */
  kind: 'person' | 'sighting'
  id: string
}

const pathOf = ({ kind, id }: TrackSubject) =>
  `/faces/${kind === 'person' ? 'persons' : 'sightings'}/${encodeURIComponent(id)}/trajectory`

/** Which time. */
export interface TrackSpan {
  from?: string
  to?: string
}

export interface TrackQuery extends TrackSpan {
  /** Why; kept with who looked and what was shown. */
  purpose: string
}

export const fetchTrajectory = (subject: TrackSubject, query: TrackQuery, signal?: AbortSignal) =>
  client.call<Trajectory>(pathOf(subject), { query: { ...query }, signal })

export const trajectoryGeoJson = (subject: TrackSubject, query: TrackQuery) =>
  client
    .raw(pathOf(subject), { query: { ...query, format: 'geojson' }, accept: 'application/geo+json' })
    .then((answer) => answer.blob())

export const listFloorPlans = (signal?: AbortSignal) =>
  client.call<Page<FloorPlan>>('/faces/floor-plans', { signal }).then((page) => page.items)

export interface FloorPlanDraft {
  name: string
  picture: File
  west: number
  south: number
  east: number
  north: number
}

export function addFloorPlan({ picture, ...fields }: FloorPlanDraft): Promise<FloorPlan> {
  const form = new FormData()
  form.append('picture', picture, picture.name)
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value))
  return upload<FloorPlan>('/faces/floor-plans', form)
}

export const removeFloorPlan = (plan_id: string) =>
  client.call<void>(`/faces/floor-plans/${encodeURIComponent(plan_id)}`, { method: 'DELETE' })
