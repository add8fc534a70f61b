/** Recorded passes, filtered, a page at a time. A changed filter forgets answers that are still on their way. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { listPasses } from '@/api/passes'
import { isAbort } from '@/api/problem'
import type { Page, Pass, PassQuery } from '@/api/types'
import type { LoadState } from '@/stores/cameras'

export interface PassHistoryOptions {
  filter: Readonly<Ref<PassQuery>>
  /** Passes a page. Default 48. */
  pageSize?: number
  /** Injected in tests. */
  list?: (query: PassQuery, signal: AbortSignal) => Promise<Page<Pass>>
}

export interface PassHistory {
  passes: Readonly<ShallowRef<Pass[]>>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  /** There are older ones. */
  hasMore: Readonly<ShallowRef<boolean>>
  loadingMore: Readonly<ShallowRef<boolean>>
  loadMore: () => Promise<void>
  reload: () => Promise<void>
}

export function usePassHistory(options: PassHistoryOptions): PassHistory {
  const { filter, pageSize = 48, list = listPasses } = options
  const passes = shallowRef<Pass[]>([])
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)
  let next: string | undefined
  let run = new AbortController()

  async function fetchPage(after: string | undefined): Promise<void> {
    const mine = run
    try {
      const page = await list({ ...filter.value, after, limit: pageSize }, mine.signal)
      if (mine.signal.aborted) return
      const known = new Set(after === undefined ? [] : passes.value.map((pass) => pass.pass_id))
      const fresh = page.items.filter((pass) => !known.has(pass.pass_id))
      passes.value = after === undefined ? fresh : [...passes.value, ...fresh]
      next = page.next ?? undefined
      hasMore.value = next !== undefined
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      if (after === undefined) state.value = 'failed'
    }
  }

  async function reload(): Promise<void> {
    run.abort()
    run = new AbortController()
    state.value = 'loading'
    loadingMore.value = false
    hasMore.value = false
    await fetchPage(undefined)
  }

  async function loadMore(): Promise<void> {
    if (!hasMore.value || loadingMore.value) return
    const mine = run
    loadingMore.value = true
    await fetchPage(next)
    if (mine === run) loadingMore.value = false
  }

  watch(filter, () => void reload(), { immediate: true, deep: true })
  onScopeDispose(() => run.abort())

  return { passes, state, error, hasMore, loadingMore, loadMore, reload }
}
