/** Alerts of watch lists: the past ones too, and who has seen to them. */
import { client } from './client'
import type { WatchAlert, WatchAlertQuery } from './faceTypes'
import type { Page } from './types'

export const listWatchAlerts = (query: WatchAlertQuery, signal?: AbortSignal) =>
  client.call<Page<WatchAlert>>('/faces/watch-alerts', { query: { ...query }, signal })

/** The first who did it stays: a repeat changes nothing. */
export const acknowledgeWatchAlert = (alert_id: string) =>
  client.call<WatchAlert>(`/faces/watch-alerts/${encodeURIComponent(alert_id)}/acknowledge`, {
    method: 'POST',
    json: {},
  })
