/** Near ties, one after the other: what a human decides leaves the queue, what is skipped goes to its end. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { confirmSighting, listSightings, rejectSighting } from '@/api/faceSearch'
import type { Sighting, SightingQuery } from '@/api/faceTypes'
import type { Page } from '@/api/types'
import { usePages, type Pages } from './usePages'

export interface ReviewQueueOptions {
  /** Injected in tests. */
  list?: (query: SightingQuery, signal: AbortSignal) => Promise<Page<Sighting>>
  confirm?: (sighting_id: string, person_id: string) => Promise<Sighting>
  reject?: (sighting_id: string) => Promise<Sighting>
}

export interface ReviewQueue {
  pages: Pages<Sighting>
  current: ComputedRef<Sighting | null>
  waiting: ComputedRef<number>
  busy: Readonly<ShallowRef<boolean>>
  decided: Readonly<ShallowRef<number>>
  /** Throws what the server refused; then the sighting stays. */
  choose: (person_id: string) => Promise<void>
  neither: () => Promise<void>
  skip: () => void
}

/** Asked for more when so few are left. */
const FEW = 3

export function useReviewQueue(options: ReviewQueueOptions = {}): ReviewQueue {
  const { list = listSightings, confirm = confirmSighting, reject = rejectSighting } = options
  const pages = usePages<Sighting, SightingQuery>({
    filter: shallowRef({ decision: 'near_tie' }),
    pageSize: 24,
    list,
    key: (sighting) => sighting.sighting_id,
  })
  const skipped = shallowRef<readonly string[]>([])
  const busy = shallowRef(false)
  const decided = shallowRef(0)

  const order = computed(() => {
    const late = (sighting: Sighting) => skipped.value.lastIndexOf(sighting.sighting_id)
    return [...pages.items.value].sort((a, b) => late(a) - late(b))
  })
  const current = computed(() => order.value[0] ?? null)

  async function settle(work: (sighting: Sighting) => Promise<Sighting>): Promise<void> {
    const sighting = current.value
    if (sighting === null || busy.value) return
    busy.value = true
    try {
      await work(sighting)
      pages.remove(sighting.sighting_id)
      decided.value += 1
      if (pages.items.value.length < FEW) void pages.loadMore()
    } finally {
      busy.value = false
    }
  }

  return {
    pages,
    current,
    waiting: computed(() => pages.items.value.length),
    busy,
    decided,
    choose: (person_id) => settle((sighting) => confirm(sighting.sighting_id, person_id)),
    neither: () => settle((sighting) => reject(sighting.sighting_id)),
    skip: () => {
      if (current.value !== null) skipped.value = [...skipped.value, current.value.sighting_id]
    },
  }
}
