/** Near ties, one after the other: what a human decides leaves the queue, what is skipped goes to its end. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { confirmSighting, listSightings, rejectSighting } from '@/api/faceSearch'
import type { Decided, Sighting, SightingQuery } from '@/api/faceTypes'
import { undoChange } from '@/api/people'
import type { Page } from '@/api/types'
import { usePages, type Pages } from './usePages'

export interface ReviewQueueOptions {
  /** Injected in tests. */
  list?: (query: SightingQuery, signal: AbortSignal) => Promise<Page<Sighting>>
  confirm?: (sighting_id: string, person_id: string) => Promise<Decided>
  reject?: (sighting_id: string) => Promise<Decided>
  undo?: (change_id: string) => Promise<unknown>
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
  /** The last decision can be taken back. */
  undoable: ComputedRef<boolean>
  undo: () => Promise<void>
}

/** Asked for more when so few are left. */
const FEW = 3

export function useReviewQueue(options: ReviewQueueOptions = {}): ReviewQueue {
  const {
    list = listSightings,
    confirm = confirmSighting,
    reject = rejectSighting,
    undo = undoChange,
  } = options
  const pages = usePages<Sighting, SightingQuery>({
    filter: shallowRef({ decision: 'near_tie' }),
    pageSize: 24,
    list,
    key: (sighting) => sighting.sighting_id,
  })
  const skipped = shallowRef<readonly string[]>([])
  const busy = shallowRef(false)
  const decided = shallowRef(0)
  /** What was decided last, as it was before. */
  const last = shallowRef<{ before: Sighting; change_id: string } | null>(null)

  const order = computed(() => {
    const late = (sighting: Sighting) => skipped.value.lastIndexOf(sighting.sighting_id)
    return [...pages.items.value].sort((a, b) => late(a) - late(b))
  })
  const current = computed(() => order.value[0] ?? null)

  async function settle(work: (sighting: Sighting) => Promise<Decided>): Promise<void> {
    const sighting = current.value
    if (sighting === null || busy.value) return
    busy.value = true
    try {
      const { change_id } = await work(sighting)
      last.value = change_id === null ? null : { before: sighting, change_id }
      pages.remove(sighting.sighting_id)
      decided.value += 1
      if (pages.items.value.length < FEW) void pages.loadMore()
    } finally {
      busy.value = false
    }
  }

  async function takeBack(): Promise<void> {
    const past = last.value
    if (past === null || busy.value) return
    busy.value = true
    try {
      await undo(past.change_id)
      last.value = null
      decided.value -= 1
      skipped.value = []
      pages.merge([past.before])
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
    undoable: computed(() => last.value !== null),
    undo: takeBack,
    skip: () => {
      if (current.value !== null) skipped.value = [...skipped.value, current.value.sighting_id]
    },
  }
}
