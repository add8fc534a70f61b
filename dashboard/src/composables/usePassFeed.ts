/**
 * The newest passes, loaded once and kept current by live events. Merging is by id, so whatever comes twice (a resumed
 * stream, a reload, a pass that closes) is one card; whatever the stream missed comes with the reload.
 */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { listPasses } from '@/api/passes'
import type { Page, Pass, PassQuery } from '@/api/types'
import type { LoadState } from '@/stores/cameras'
import { useLiveSubscription } from './liveEventsKey'

export interface PassFeedOptions {
  /** Keep so many. Default 60. */
  size?: number
  /** A pass that was not there before (not for the first load). */
  onNew?: (pass: Pass) => void
  /** Injected in tests. */
  list?: (query: PassQuery) => Promise<Page<Pass>>
}

export interface PassFeed {
  passes: ComputedRef<Pass[]>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  reload: () => Promise<void>
  put: (pass: Pass) => void
}

/** Newest first; the id decides between passes of the same millisecond. */
export function newestFirst(a: Pass, b: Pass): number {
  if (a.opened_at !== b.opened_at) return a.opened_at < b.opened_at ? 1 : -1
  return a.pass_id < b.pass_id ? 1 : a.pass_id > b.pass_id ? -1 : 0
}

/** Of two versions of one pass the later: closed beats open, then the one seen last. */
export function laterVersion(known: Pass | undefined, incoming: Pass): Pass {
  if (known === undefined) return incoming
  if (known.closed_at !== null && incoming.closed_at === null) return known
  if ((known.last_seen_at ?? '') > (incoming.last_seen_at ?? '') && incoming.closed_at === null) return known
  return incoming
}

export function usePassFeed(options: PassFeedOptions = {}): PassFeed {
  const { size = 60, onNew, list = listPasses } = options
  const byId = shallowRef<ReadonlyMap<string, Pass>>(new Map())
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let wanted = 0

  const passes = computed(() => [...byId.value.values()].sort(newestFirst))

  function merge(incoming: Pass[]): void {
    const merged = new Map(byId.value)
    for (const pass of incoming) merged.set(pass.pass_id, laterVersion(merged.get(pass.pass_id), pass))
    const kept = [...merged.values()].sort(newestFirst).slice(0, size)
    byId.value = new Map(kept.map((pass) => [pass.pass_id, pass]))
  }

  function put(pass: Pass): void {
    const isNew = !byId.value.has(pass.pass_id)
    merge([pass])
    if (isNew && pass.closed_at === null) onNew?.(pass)
  }

  async function reload(): Promise<void> {
    const turn = ++wanted
    if (state.value !== 'ready') state.value = 'loading'
    try {
      const page = await list({ limit: size })
      if (turn !== wanted) return
      merge(page.items)
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (turn !== wanted) return
      error.value = problem
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  useLiveSubscription({
    onPass: ({ pass }) => put(pass),
    onReady: (resumed) => {
      if (!resumed || state.value !== 'ready') void reload()
    },
  })

  return { passes, state, error, reload, put }
}
