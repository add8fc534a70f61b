/** The one event stream of the page, given by the shell to whatever shows live things. */
import { inject, onScopeDispose, type InjectionKey } from 'vue'
import type { LiveEvents, LiveEventsHandlers } from './useLiveEvents'

export const liveEventsKey: InjectionKey<LiveEvents> = Symbol('live events')

/** Listen until the component is gone; outside the shell (tests) nothing comes. */
export function useLiveSubscription(handlers: LiveEventsHandlers): LiveEvents | undefined {
  const events = inject(liveEventsKey, undefined)
  const stop = events?.subscribe(handlers)
  onScopeDispose(() => stop?.())
  return events
}
