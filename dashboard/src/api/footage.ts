/** Video that is kept: clips of passes, recordings, their boxes, and what storage holds. */
import { client } from './client'
import type { Footage, FootageBoxes, FootageQuery, Page, Storage, Timeline } from './types'

export const listFootage = (query: FootageQuery, signal?: AbortSignal) =>
  client.call<Page<Footage>>('/footage', { query: { ...query }, signal })

/** When there are recordings and clips of a camera. */
export const footageTimeline = (camera_id: string, from: string, to: string, signal?: AbortSignal) =>
  client.call<Timeline>(`/cameras/${encodeURIComponent(camera_id)}/timeline`, {
    query: { from, to },
    signal,
  })

/** The faces in a video; null when nobody was in it. */
export async function footageBoxes(footage: Footage, signal?: AbortSignal): Promise<FootageBoxes | null> {
  if (footage.boxes_url === null) return null
  // With the access token: the ticket in the address runs out.
  return client.call<FootageBoxes>(footage.boxes_url.split('?')[0] ?? '', { signal })
}

export const storageFigures = (signal?: AbortSignal) => client.call<Storage>('/storage', { signal })
