/** One batch and its frames in order; while it runs, new frames come by themselves behind those that are shown. */
import { computed, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { fetchBatch, listFrames } from '@/api/frames'
import type { ArchivedFrame, FrameBatchDetail, FramePage, FrameQuery } from '@/api/types'
import type { LoadState } from '@/stores/cameras'
import { useLoaded } from './useLoaded'

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
  /** Stays while another view of it is loaded. */
  const batch = shallowRef<FrameBatchDetail | null>(null)
  const frames = shallowRef<ArchivedFrame[]>([])
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)

  /** Frames settle in any order, so a later answer may fill a place among those that are shown. */
  function merge(fresh: ArchivedFrame[]): void {
    const known = new Map(frames.value.map((frame) => [frame.seq, frame]))
    for (const frame of fresh) known.set(frame.seq, frame)
    frames.value = [...known.values()].sort((a, b) => a.seq - b.seq)
  }

  /** Behind which frame to ask; a page is filled up, further pages wait for the reader. */
  function place(): number | undefined {
    const last = frames.value.length - 1
    if (loadingMore.value) return frames.value[last]?.seq
    // from a little before the end: uploads may end out of order
    const from = frames.value[Math.max(0, last - 19)]?.seq
    return from === undefined || from === 0 ? undefined : from - 1
  }

  const it = useLoaded<{ id: string; failed: boolean }, FrameBatchDetail>({
    key: computed(() => (batchId.value === null ? null : { id: batchId.value, failed: failedOnly.value })),
    everyMs,
    moving: (shown) => shown?.state === 'running',
    load: async ({ id, failed }, signal, shown) => {
      const fresh = await fetch(id, signal)
      if (signal.aborted) return fresh
      batch.value = fresh
      if (shown !== null && hasMore.value && !loadingMore.value) return fresh
      const after = shown === null ? undefined : place()
      const found = await list(id, { after, limit: pageSize, state: failed ? 'failed' : undefined }, signal)
      if (signal.aborted) return fresh
      merge(found.items)
      if (after === undefined || found.items.length > 0 || found.next === null)
        hasMore.value = found.next !== null
      return fresh
    },
  })

  async function loadMore(): Promise<void> {
    if (!hasMore.value || loadingMore.value) return
    loadingMore.value = true
    await it.refresh()
    loadingMore.value = false
  }

  function forget(): void {
    frames.value = []
    hasMore.value = false
    loadingMore.value = false
  }
  watch([batchId, failedOnly], forget, { flush: 'sync' })

  return {
    batch,
    frames,
    state: it.state,
    error: it.error,
    hasMore,
    loadingMore,
    loadMore,
    reload: it.reload,
  }
}
