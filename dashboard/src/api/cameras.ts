/** Cameras: list, add, change, remove, and the ticket that opens one's live picture. */
import { client } from './client'
import type { Camera, CameraChange, CameraDraft, Page, PlayTicket } from './types'

const one = (camera_id: string) => `/cameras/${encodeURIComponent(camera_id)}`

/** All cameras the user may see; follows the pages if there are several. */
export async function listCameras(signal?: AbortSignal): Promise<Camera[]> {
  const cameras: Camera[] = []
  let after: string | undefined
  do {
    const page = await client.call<Page<Camera>>('/cameras', { query: { after, limit: 100 }, signal })
    cameras.push(...page.items)
    after = page.next ?? undefined
  } while (after !== undefined)
  return cameras
}

export const addCamera = (draft: CameraDraft, idempotencyKey: string) =>
  client.call<Camera>('/cameras', { method: 'POST', json: draft, idempotencyKey })

export const getCamera = (camera_id: string, signal?: AbortSignal) =>
  client.call<Camera>(one(camera_id), { signal })

export const changeCamera = (camera_id: string, change: CameraChange) =>
  client.call<Camera>(one(camera_id), { method: 'PATCH', json: change })

export const removeCamera = (camera_id: string) =>
  client.call<undefined>(one(camera_id), { method: 'DELETE' })

export const playTicket = (camera_id: string, signal?: AbortSignal) =>
  client.call<PlayTicket>(`${one(camera_id)}/play-ticket`, { method: 'POST', json: {}, signal })
