/** Whether an element is on the screen. */
import { onScopeDispose, readonly, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

export interface InViewOptions {
  /** Count as visible this far outside the screen. Default '200px'. */
  margin?: string
}

export function useInView(
  element: Readonly<Ref<HTMLElement | null>>,
  options: InViewOptions = {},
): Readonly<ShallowRef<boolean>> {
  const inView = shallowRef(false)
  if (typeof IntersectionObserver === 'undefined') {
    inView.value = true
    return readonly(inView)
  }
  const observer = new IntersectionObserver(
    (entries) => {
      inView.value = entries[entries.length - 1]?.isIntersecting ?? false
    },
    { rootMargin: options.margin ?? '200px' },
  )
  watch(
    element,
    (now, before) => {
      if (before) observer.unobserve(before)
      if (now) observer.observe(now)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => observer.disconnect())
  return readonly(inView)
}
