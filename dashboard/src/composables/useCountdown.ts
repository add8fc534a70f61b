/** Seconds until something may be tried again. */
import { onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'

export interface Countdown {
  seconds: Readonly<ShallowRef<number>>
  start: (seconds: number) => void
}

export function useCountdown(): Countdown {
  const seconds = shallowRef(0)
  let timer: ReturnType<typeof setInterval> | undefined

  function start(from: number): void {
    clearInterval(timer)
    const endsAt = Date.now() + from * 1000
    seconds.value = Math.ceil(from)
    timer = setInterval(() => {
      seconds.value = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000))
      if (seconds.value === 0) clearInterval(timer)
    }, 250)
  }

  onScopeDispose(() => clearInterval(timer))

  return { seconds: readonly(seconds), start }
}
