/** A list that is asked again while something in it still moves and somebody looks. */
import { onScopeDispose, type Ref } from 'vue'
import { usePages, type Pages, type PagesOptions } from './usePages'

export interface PolledPagesOptions<Item, Query> extends PagesOptions<Item, Query> {
  /** Not at its end yet. */
  moving: (item: Item) => boolean
  /** Whether somebody looks. */
  active: Readonly<Ref<boolean>>
  /** Default 1500. */
  everyMs?: number
}

export function usePolledPages<Item, Query extends object>(
  options: PolledPagesOptions<Item, Query>,
): Pages<Item> {
  const { moving, active, everyMs = 1500 } = options
  const pages = usePages<Item, Query>(options)
  const timer = setInterval(() => {
    if (active.value && pages.items.value.some(moving)) void pages.refresh()
  }, everyMs)
  onScopeDispose(() => clearInterval(timer))
  return pages
}
