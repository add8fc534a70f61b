/** One batch and its frames in order; while it runs, new frames come by themselves behind those that are shown. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { fetchBatch, listFrames } from '@/api/frames'
import { isAbort } from '@/api/problem'
import type { ArchivedFrame, FrameBatchDetail, FramePage, FrameQuery } from '@/api/types'
import type { LoadState } from '@/stores/cameras'

export interface BatchFramesOptions {
  /** Which batch; null: none is open. */
  batchId: Readonly<Ref<string | null>>
  /** Only what failed. */
  failedOnly: Readonly<Ref<boolean>>
  /** Frames a page. Default 60. */
  pageSize?: number
  /** Ask again this often while it runs, ms. Default 2000. */
  everyMs?: number
  /** Injected in tests. */
  fetch?: (batch_id: string, signal: AbortSignal) => Promise<FrameBatchDetail>
  list?: (batch_id: string, query: FrameQuery, signal: AbortSignal) => Promise<FramePage>
}

export interface BatchFrames {
  batch: Readonly<ShallowRef<FrameBatchDetail | null>>
  frames: Readonly<ShallowRef<ArchivedFrame[]>>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  hasMore: Readonly<ShallowRef<boolean>>
  loadingMore: Readonly<ShallowRef<boolean>>
  loadMore: () => Promise<void>
  reload: () => Promise<void>
}

export function useBatchFrames(options: BatchFramesOptions): BatchFrames {
  const {
    batchId,
    failedOnly,
    pageSize = 60,
    everyMs = 2000,
    fetch = fetchBatch,
    list = listFrames,
  } = options
  const batch = shallowRef<FrameBatchDetail | null>(null)
  const frames = shallowRef<ArchivedFrame[]>([])
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)
  let run = new AbortController()
  let busy = false

  /** Frames settle in any order, so a later answer may fill a place among those that are shown. */
  function merge(fresh: ArchivedFrame[]): void {
    const known = new Map(frames.value.map((frame) => [frame.seq, frame]))
    for (const frame of fresh) known.set(frame.seq, frame)
    frames.value = [...known.values()].sort((a, b) => a.seq - b.seq)
  }

  async function page(id: string, after: number | undefined, mine: AbortController): Promise<void> {
    const only = failedOnly.value ? 'failed' : undefined
    const found = await list(id, { after, limit: pageSize, state: only }, mine.signal)
    if (mine.signal.aborted) return
    merge(found.items)
    if (after === undefined || found.items.length > 0 || found.next === null)
      hasMore.value = found.next !== null
  }

  async function guarded(work: (id: string, mine: AbortController) => Promise<void>): Promise<void> {
    const id = batchId.value
    const mine = run
    if (id === null) return
    try {
      await work(id, mine)
      if (mine.signal.aborted) return
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  async function reload(): Promise<void> {
    run.abort()
    run = new AbortController()
    frames.value = []
    hasMore.value = false
    loadingMore.value = false
    state.value = batchId.value === null ? 'idle' : 'loading'
    await guarded(async (id, mine) => {
      const found = await fetch(id, mine.signal)
      if (!mine.signal.aborted) batch.value = found
      await page(id, undefined, mine)
    })
  }

  async function loadMore(): Promise<void> {
    if (!hasMore.value || loadingMore.value) return
    const mine = run
    loadingMore.value = true
    await guarded((id, at) => page(id, frames.value[frames.value.length - 1]?.seq, at))
    if (mine === run) loadingMore.value = false
  }

  /** What came since; a page is filled up, further pages wait for the reader. */
  async function refresh(): Promise<void> {
    if (busy || state.value !== 'ready' || batch.value?.state !== 'running') return
    busy = true
    await guarded(async (id, mine) => {
      const found = await fetch(id, mine.signal)
      if (mine.signal.aborted) return
      batch.value = found
      if (hasMore.value) return
      // from a little before the end: uploads may end out of order
      const from = frames.value[Math.max(0, frames.value.length - 20)]?.seq
      await page(id, from === undefined || from === 0 ? undefined : from - 1, mine)
    })
    busy = false
  }

  watch([batchId, failedOnly], () => void reload(), { immediate: true })
  const timer = setInterval(() => void refresh(), everyMs)
  onScopeDispose(() => {
    clearInterval(timer)
    run.abort()
  })

  return { batch, frames, state, error, hasMore, loadingMore, loadMore, reload }
}
