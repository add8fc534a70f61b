/** Batches of archived frames, newest first; asked again while one runs and somebody looks. */
import { shallowRef, type Ref } from 'vue'
import { listBatches } from '@/api/frames'
import type { FrameBatch, FrameBatchQuery, Page } from '@/api/types'
import type { Pages } from './usePages'
import { usePolledPages } from './usePolledPages'

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

export function useFrameBatches(options: FrameBatchesOptions): Pages<FrameBatch> {
  const { filter, active = shallowRef(true), pageSize = 30, everyMs = 2000, list = listBatches } = options
  return usePolledPages<FrameBatch, FrameBatchQuery>({
    filter,
    active,
    pageSize,
    everyMs,
    list,
    key: (batch) => batch.batch_id,
    order: (a, b) =>
      Date.parse(b.started_at) - Date.parse(a.started_at) || (a.batch_id < b.batch_id ? 1 : -1),
    moving: (batch) => batch.state === 'running',
  })
}
