/** Archived frames: batches of a camera, a job or a client, and the frames of one in order. */
import { client } from './client'
import type {
  FrameBatch,
  FrameBatchDetail,
  FrameBatchQuery,
  FramePage,
  FrameQuery,
  FramesWanted,
  Page,
} from './types'

const one = (batch_id: string) => `/frame-batches/${encodeURIComponent(batch_id)}`

export const listBatches = (query: FrameBatchQuery, signal?: AbortSignal) =>
  client.call<Page<FrameBatch>>('/frame-batches', { query: { ...query }, signal })

export const fetchBatch = (batch_id: string, signal?: AbortSignal) =>
  client.call<FrameBatchDetail>(one(batch_id), { signal })

export const listFrames = (batch_id: string, query: FrameQuery, signal?: AbortSignal) =>
  client.call<FramePage>(`${one(batch_id)}/frames`, { query: { ...query }, signal })

export const startBatch = (camera_id: string, wanted: FramesWanted, idempotencyKey: string) =>
  client.call<FrameBatch>(`/cameras/${encodeURIComponent(camera_id)}/frame-batches`, {
    method: 'POST',
    json: wanted,
    idempotencyKey,
  })

export const stopBatch = (batch_id: string) =>
  client.call<FrameBatch>(`${one(batch_id)}/stop`, { method: 'POST', json: {} })
