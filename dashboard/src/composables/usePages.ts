/** A filtered list, a page at a time. A changed filter forgets answers that are still on their way. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { isAbort } from '@/api/problem'
import type { Page } from '@/api/types'
import type { LoadState } from '@/stores/cameras'

export interface PagesOptions<Item, Query> {
  filter: Readonly<Ref<Query>>
  list: (query: Query & { after?: string; limit: number }, signal: AbortSignal) => Promise<Page<Item>>
  /** Items are the same when this is. */
  key: (item: Item) => string
  /** Items a page. Default 48. */
  pageSize?: number
  /** Order of the items; default: as they came. */
  order?: (a: Item, b: Item) => number
}

export interface Pages<Item> {
  items: Readonly<ShallowRef<Item[]>>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  /** There are further ones. */
  hasMore: Readonly<ShallowRef<boolean>>
  loadingMore: Readonly<ShallowRef<boolean>>
  loadMore: () => Promise<void>
  reload: () => Promise<void>
  /** Ask for the first page again, and keep what is shown behind it. What fails is asked the next time. */
  refresh: () => Promise<void>
  /** Newer facts over older ones; unknown items are added. */
  merge: (fresh: Item[]) => void
  /** Take one out. */
  remove: (key: string) => void
}

export function usePages<Item, Query extends object>(options: PagesOptions<Item, Query>): Pages<Item> {
  const { filter, list, key, pageSize = 48, order } = options
  const items = shallowRef<Item[]>([])
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)
  let next: string | undefined
  let run = new AbortController()
  let refreshing = false

  function merge(fresh: Item[]): void {
    const known = new Map(items.value.map((item) => [key(item), item]))
    for (const item of fresh) known.set(key(item), item)
    items.value = order ? [...known.values()].sort(order) : [...known.values()]
  }

  async function fetchPage(after: string | undefined): Promise<void> {
    const mine = run
    try {
      const page = await list({ ...filter.value, after, limit: pageSize }, mine.signal)
      if (mine.signal.aborted) return
      if (after === undefined) items.value = []
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

  async function refresh(): Promise<void> {
    if (refreshing || state.value !== 'ready') return
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

  function remove(gone: string): void {
    items.value = items.value.filter((item) => key(item) !== gone)
  }

  watch(filter, () => void reload(), { immediate: true, deep: true })
  onScopeDispose(() => run.abort())

  return { items, state, error, hasMore, loadingMore, loadMore, reload, refresh, merge, remove }
}
