/** How one camera was in the last hours; asked again each minute while somebody looks. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { hoursOfCamera } from '@/api/availability'
import { isAbort } from '@/api/problem'
import type { HoursOfCamera } from '@/api/types'
import type { LoadState } from '@/stores/cameras'

export interface CameraHoursOptions {
  cameraId: Readonly<Ref<string>>
  active: Readonly<Ref<boolean>>
  /** How many hours back. Default 24. */
  hours?: Readonly<Ref<number>>
  /** Ask again after this time, ms. Default 60000. */
  everyMs?: number
  /** Injected in tests. */
  fetchHours?: typeof hoursOfCamera
}

export interface CameraHours {
  found: Readonly<ShallowRef<HoursOfCamera | null>>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  reload: () => Promise<void>
}

const HOUR_MS = 3_600_000
const DAY_HOURS = shallowRef(24)

export function useCameraHours(options: CameraHoursOptions): CameraHours {
  const { cameraId, active, hours = DAY_HOURS, everyMs = 60_000, fetchHours = hoursOfCamera } = options
  const found = shallowRef<HoursOfCamera | null>(null)
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let run: AbortController | null = null
  let timer: ReturnType<typeof setInterval> | undefined

  async function reload(): Promise<void> {
    run?.abort()
    const mine = new AbortController()
    run = mine
    if (state.value !== 'ready') state.value = 'loading'
    const to = new Date()
    try {
      // So many whole hours, and the one that has begun.
      const from = new Date(to.getTime() - (hours.value - 1) * HOUR_MS)
      const answer = await fetchHours(cameraId.value, from, to, mine.signal)
      if (mine.signal.aborted) return
      found.value = answer
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      // What was loaded before stays on the screen.
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  watch(
    [active, cameraId, hours],
    ([on, id, span], [, before, spanBefore]) => {
      clearInterval(timer)
      run?.abort()
      if ((before !== undefined && before !== id) || (spanBefore !== undefined && spanBefore !== span)) {
        found.value = null
        state.value = 'idle'
      }
      if (!on) return
      void reload()
      timer = setInterval(() => void reload(), everyMs)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    clearInterval(timer)
    run?.abort()
  })

  return { found, state, error, reload }
}
