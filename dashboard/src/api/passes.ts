/** People seen by cameras: one pass a person and visit. */
import { client } from './client'
import type { Counters, Page, Pass, PassQuery, Presence } from './types'

export const listPasses = (query: PassQuery, signal?: AbortSignal) =>
  client.call<Page<Pass>>('/passes', { query: { ...query }, signal })

export const fetchPass = (pass_id: string, signal?: AbortSignal) =>
  client.call<Pass>(`/passes/${encodeURIComponent(pass_id)}`, { signal })

export const fetchPresence = (signal?: AbortSignal) => client.call<Presence>('/presence', { signal })

export const countByHour = (from: Date, to: Date, signal?: AbortSignal) =>
  client.call<Counters>('/counters', {
    query: { from: from.toISOString(), to: to.toISOString(), bucket: 'hour' },
    signal,
  })
