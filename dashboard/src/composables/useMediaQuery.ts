/** Whether a media query holds, as a ref. */
import { onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'

export function useMediaQuery(query: string): Readonly<ShallowRef<boolean>> {
  const list = window.matchMedia(query)
  const matches = shallowRef(list.matches)
  const update = () => {
    matches.value = list.matches
  }
  list.addEventListener('change', update)
  onScopeDispose(() => list.removeEventListener('change', update))
  return readonly(matches)
}

/** Narrower than this, the page is laid out for a phone. */
export const PHONE = '(max-width: 760px)'
export const REDUCED_MOTION = '(prefers-reduced-motion: reduce)'
