/** Batches of archived frames, newest first; asked again while one runs and somebody looks. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { listBatches } from '@/api/frames'
import { isAbort } from '@/api/problem'
import type { FrameBatch, FrameBatchQuery, Page } from '@/api/types'
import type { LoadState } from '@/stores/cameras'

export interface FrameBatchesOptions {
  filter: Readonly<Ref<FrameBatchQuery>>
  /** Whether somebody looks. */
  active?: Readonly<Ref<boolean>>
  /** Batches a page. Default 30. */
  pageSize?: number
  /** Ask again this often while a batch runs, ms. Default 2000. */
  everyMs?: number
  /** Injected in tests. */
  list?: (query: FrameBatchQuery, signal: AbortSignal) => Promise<Page<FrameBatch>>
}

export interface FrameBatches {
  batches: Readonly<ShallowRef<FrameBatch[]>>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  hasMore: Readonly<ShallowRef<boolean>>
  loadingMore: Readonly<ShallowRef<boolean>>
  loadMore: () => Promise<void>
  reload: () => Promise<void>
  /** Show this one as it is now: just started, or stopped. */
  put: (batch: FrameBatch) => void
}

export function useFrameBatches(options: FrameBatchesOptions): FrameBatches {
  const { filter, active = shallowRef(true), pageSize = 30, everyMs = 2000, list = listBatches } = options
  const batches = shallowRef<FrameBatch[]>([])
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)
  let next: string | undefined
  let run = new AbortController()
  let refreshing = false

  /** Newer facts over older ones; new ones in front, in the server's order. */
  function merge(fresh: FrameBatch[]): void {
    const known = new Map(batches.value.map((batch) => [batch.batch_id, batch]))
    for (const batch of fresh) known.set(batch.batch_id, batch)
    batches.value = [...known.values()].sort(
      (a, b) => Date.parse(b.started_at) - Date.parse(a.started_at) || (a.batch_id < b.batch_id ? 1 : -1),
    )
  }

  async function fetchPage(after: string | undefined): Promise<void> {
    const mine = run
    try {
      const page = await list({ ...filter.value, after, limit: pageSize }, mine.signal)
      if (mine.signal.aborted) return
      if (after === undefined) batches.value = []
      merge(page.items)
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

  /** The newest page again; what fails is asked the next time. */
  async function refresh(): Promise<void> {
    const running = batches.value.some((batch) => batch.state === 'running')
    if (!running || !active.value || refreshing || state.value !== 'ready') return
    const mine = run
    refreshing = true
    try {
      const page = await list({ ...filter.value, limit: pageSize }, mine.signal)
      if (!mine.signal.aborted) merge(page.items)
      error.value = null
    } catch (problem) {
      if (!mine.signal.aborted && !isAbort(problem)) error.value = problem
    } finally {
      refreshing = false
    }
  }

  watch(filter, () => void reload(), { immediate: true, deep: true })
  const timer = setInterval(() => void refresh(), everyMs)
  onScopeDispose(() => {
    clearInterval(timer)
    run.abort()
  })

  return { batches, state, error, hasMore, loadingMore, loadMore, reload, put: (batch) => merge([batch]) }
}
