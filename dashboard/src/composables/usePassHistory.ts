/** Recorded passes, filtered, a page at a time. */
import type { Ref } from 'vue'
import { listPasses } from '@/api/passes'
import type { Page, Pass, PassQuery } from '@/api/types'
import { usePages, type Pages } from './usePages'

export interface PassHistoryOptions {
  filter: Readonly<Ref<PassQuery>>
  /** Passes a page. Default 48. */
  pageSize?: number
  /** Injected in tests. */
  list?: (query: PassQuery, signal: AbortSignal) => Promise<Page<Pass>>
}

export function usePassHistory(options: PassHistoryOptions): Pages<Pass> {
  const { filter, pageSize, list = listPasses } = options
  return usePages<Pass, PassQuery>({ filter, pageSize, list, key: (pass) => pass.pass_id })
}
