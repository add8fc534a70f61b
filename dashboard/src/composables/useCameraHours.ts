/** How one camera was in the last hours; asked again each minute while somebody looks. */
import { computed, type Ref, type ShallowRef } from 'vue'
import { hoursOfCamera } from '@/api/availability'
import type { HoursOfCamera } from '@/api/types'
import { useLoaded, type Loaded } from './useLoaded'

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

export interface CameraHours extends Omit<Loaded<HoursOfCamera>, 'value'> {
  found: Readonly<ShallowRef<HoursOfCamera | null>>
}

const HOUR_MS = 3_600_000
const DAY_HOURS = 24

export function useCameraHours(options: CameraHoursOptions): CameraHours {
  const { cameraId, active, hours, everyMs = 60_000, fetchHours = hoursOfCamera } = options
  const { value: found, ...rest } = useLoaded({
    key: computed(() => ({ id: cameraId.value, span: hours?.value ?? DAY_HOURS })),
    active,
    everyMs,
    load: ({ id, span }, signal) => {
      const to = new Date()
      // So many whole hours, and the one that has begun.
      return fetchHours(id, new Date(to.getTime() - (span - 1) * HOUR_MS), to, signal)
    },
  })
  return { found, ...rest }
}
