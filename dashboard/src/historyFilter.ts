/** What the history shows, as chosen, as written in the address, and as asked of the server. */
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { MaskState, PassQuery } from './api/types'
import { startOfDay } from './format'

export type HistoryRange = 'today' | 'yesterday' | 'week' | 'anytime' | 'custom'

export interface HistoryChoice {
  camera_id?: string
  state?: MaskState
  range: HistoryRange
  /** Of a custom range, ms since the epoch. */
  from?: number
  to?: number
}

const STATES: readonly string[] = ['with_mask', 'without_mask', 'mask_worn_incorrectly']
const RANGES: readonly string[] = ['today', 'yesterday', 'week', 'anytime', 'custom']
const DAY_MS = 86_400_000

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
const moment = (value: unknown): number | undefined => {
  const at = Date.parse(text(value) ?? '')
  return Number.isNaN(at) ? undefined : at
}

/** Anything unreadable in the address counts as not chosen. */
export function filterFromQuery(query: LocationQuery): HistoryChoice {
  const state = text(query['state'])
  const range = text(query['range'])
  const choice: HistoryChoice = {
    camera_id: text(query['camera']),
    state: state !== undefined && STATES.includes(state) ? (state as MaskState) : undefined,
    range: range !== undefined && RANGES.includes(range) ? (range as HistoryRange) : 'anytime',
    from: moment(query['from']),
    to: moment(query['to']),
  }
  if (choice.range === 'custom' && choice.from === undefined && choice.to === undefined)
    choice.range = 'anytime'
  return choice
}

export function filterToQuery(choice: HistoryChoice): LocationQueryRaw {
  const query: LocationQueryRaw = {}
  if (choice.camera_id) query['camera'] = choice.camera_id
  if (choice.state) query['state'] = choice.state
  if (choice.range !== 'anytime') query['range'] = choice.range
  if (choice.range === 'custom') {
    if (choice.from !== undefined) query['from'] = new Date(choice.from).toISOString()
    if (choice.to !== undefined) query['to'] = new Date(choice.to).toISOString()
  }
  return query
}

export const hasFilter = (choice: HistoryChoice): boolean =>
  choice.camera_id !== undefined || choice.state !== undefined || choice.range !== 'anytime'

function span(choice: HistoryChoice, now: number): { from?: number; to?: number } {
  const today = startOfDay(now).getTime()
  switch (choice.range) {
    case 'today':
      return { from: today }
    case 'yesterday':
      // Half a day back from midnight is yesterday, also where the clocks change.
      return { from: startOfDay(today - DAY_MS / 2).getTime(), to: today }
    case 'week':
      return { from: startOfDay(today - 6.5 * DAY_MS + DAY_MS / 2).getTime() }
    case 'custom':
      return { from: choice.from, to: choice.to }
    default:
      return {}
  }
}

export function toPassQuery(choice: HistoryChoice, now: number): PassQuery {
  const { from, to } = span(choice, now)
  return {
    camera_id: choice.camera_id,
    state: choice.state,
    from: from === undefined ? undefined : new Date(from).toISOString(),
    to: to === undefined ? undefined : new Date(to).toISOString(),
  }
}
