/** How cameras were: by hour, and the times in which they gave no picture. */
import { client } from './client'
import type { HoursOfCamera, Outage, Page } from './types'

export interface OutageQuery {
  /** Those that go on, or those that are over. */
  open?: boolean
  camera_id?: string
  from?: string
  limit?: number
}

export const listOutages = ({ open, ...query }: OutageQuery, signal?: AbortSignal) =>
  client.call<Page<Outage>>('/outages', {
    query: { ...query, open: open === undefined ? undefined : String(open) },
    signal,
  })

/** Every hour from that of `from` on. */
export const hoursOfCamera = (camera_id: string, from: Date, to: Date, signal?: AbortSignal) =>
  client.call<HoursOfCamera>(`/cameras/${encodeURIComponent(camera_id)}/hours`, {
    query: { from: from.toISOString(), to: to.toISOString() },
    signal,
  })
