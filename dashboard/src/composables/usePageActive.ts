/** True while somebody can see the page; a page hidden for a while stops its video and saves everyone's network. */
import { onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'

export interface PageActiveOptions {
  /** Hidden for this long counts as away, ms. Default 30000. */
  afterMs?: number
}

export function usePageActive(options: PageActiveOptions = {}): Readonly<ShallowRef<boolean>> {
  const { afterMs = 30_000 } = options
  const active = shallowRef(true)
  let timer: ReturnType<typeof setTimeout> | undefined
  const update = () => {
    clearTimeout(timer)
    if (document.visibilityState === 'visible') active.value = true
    else
      timer = setTimeout(() => {
        active.value = false
      }, afterMs)
  }
  document.addEventListener('visibilitychange', update)
  onScopeDispose(() => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', update)
  })
  return readonly(active)
}
