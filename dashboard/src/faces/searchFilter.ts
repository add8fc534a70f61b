/** What a search for a face is limited to, as chosen and as asked of the server. */
import type { SearchWanted } from '@/api/faceTypes'
import type { MaskState } from '@/api/types'

export const RANGES = ['day', 'week', 'month', 'anytime', 'custom'] as const
export type SearchRange = (typeof RANGES)[number]

export interface SearchFilter {
  of: SearchWanted['of']
  range: SearchRange
  /** Of a custom range, ms since the epoch. */
  from: number | null
  to: number | null
  camera_ids: string[]
  list_ids: string[]
  mask_state: MaskState | ''
  top_k: number
  /** Cosine; null: as the service demands it for a gallery of this size. */
  threshold: number | null
}

const DAY_MS = 86_400_000
const DAYS: Partial<Record<SearchRange, number>> = { day: 1, week: 7, month: 30 }

export const usualFilter = (of: SearchWanted['of']): SearchFilter => ({
  of,
  range: 'week',
  from: null,
  to: null,
  camera_ids: [],
  list_ids: [],
  mask_state: '',
  top_k: 20,
  threshold: null,
})

const iso = (at: number | null) => (at === null ? undefined : new Date(at).toISOString())

/** Filters of sightings mean nothing for persons, and the other way round: they are left out. */
export function wantedOf(filter: SearchFilter, now: number): Omit<SearchWanted, 'purpose'> {
  const { of, top_k } = filter
  const threshold = filter.threshold ?? undefined
  if (of === 'persons')
    return { of, top_k, threshold, list_ids: filter.list_ids.length > 0 ? filter.list_ids : undefined }
  const days = DAYS[filter.range]
  const custom = filter.range === 'custom'
  return {
    of,
    top_k,
    threshold,
    from: days === undefined ? iso(custom ? filter.from : null) : iso(now - days * DAY_MS),
    to: iso(custom ? filter.to : null),
    camera_ids: filter.camera_ids.length > 0 ? filter.camera_ids : undefined,
    mask_state: filter.mask_state === '' ? undefined : filter.mask_state,
  }
}
