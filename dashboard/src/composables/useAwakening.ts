/** Says when this machine woke up from sleep, and when it came back to the network: what was open then is dead. */
import { onScopeDispose } from 'vue'

export interface AwakeningOptions {
  onAwake: () => void
  onOnline: () => void
  /** Look at the clock this often, ms. Default 2000. */
  everyMs?: number
  /** A tick that comes so much late was slept through, ms. Default 5000. */
  lateMs?: number
}

export function useAwakening(options: AwakeningOptions): void {
  const { everyMs = 2000, lateMs = 5000 } = options
  let last = Date.now()
  const ticking = setInterval(() => {
    const late = Date.now() - last - everyMs
    last = Date.now()
    // Hidden pages are throttled to one tick a minute: that is no sleep, and nobody looks.
    if (late > lateMs && document.visibilityState === 'visible') options.onAwake()
  }, everyMs)
  const onVisible = () => {
    last = Date.now()
  }
  document.addEventListener('visibilitychange', onVisible)
  window.addEventListener('online', options.onOnline)
  onScopeDispose(() => {
    clearInterval(ticking)
    document.removeEventListener('visibilitychange', onVisible)
    window.removeEventListener('online', options.onOnline)
  })
}
