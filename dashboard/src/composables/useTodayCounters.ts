/** Today's figures by hour. Counted by the server; asked again when a pass was recorded, each minute, and at midnight. */
import { computed, onScopeDispose, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { countByHour } from '@/api/passes'
import type { Counters, StateCounts } from '@/api/types'
import { startOfDay } from '@/format'
import type { LoadState } from '@/stores/cameras'
import { useLiveSubscription } from './liveEventsKey'
import { useLoaded } from './useLoaded'

export interface TodayCountersOptions {
  /** Ask again at most this often when passes come, ms. Default 2000. */
  throttleMs?: number
  /** Ask again when nothing comes, ms. Default 60000. */
  everyMs?: number
  /** Injected in tests. */
  fetchCounters?: (from: Date, to: Date, signal: AbortSignal) => Promise<Counters>
}

export interface Hour extends StateCounts {
  start: Date
  /** Share of the camera time that was watched, 0 to 1; null: nothing is known of it. */
  coverage: number | null
}

export interface TodayCounters {
  totals: ComputedRef<StateCounts>
  people: ComputedRef<number>
  /** Share of people with a mask worn well, or null while nobody passed. */
  protectedShare: ComputedRef<number | null>
  /** Share of today's camera time that was watched, or null while nothing is known. */
  coverage: ComputedRef<number | null>
  /** All hours of today, empty ones too. */
  hours: ComputedRef<Hour[]>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  reload: () => Promise<void>
}

const NOBODY: StateCounts = { with_mask: 0, without_mask: 0, mask_worn_incorrectly: 0 }

/** Every hour from one midnight to the next, with the server's figures put in. */
export function hoursOfDay(day: Date, counters: Counters | null): Hour[] {
  const end = startOfDay(day.getTime() + 36 * 3_600_000).getTime()
  const hours: Hour[] = []
  for (let at = day.getTime(); at < end; at += 3_600_000)
    hours.push({ start: new Date(at), ...NOBODY, coverage: null })
  for (const bucket of counters?.buckets ?? []) {
    const hour = hours[Math.floor((Date.parse(bucket.start) - day.getTime()) / 3_600_000)]
    if (hour === undefined) continue
    hour.coverage = bucket.coverage ?? hour.coverage
    hour.with_mask += bucket.with_mask ?? 0
    hour.without_mask += bucket.without_mask ?? 0
    hour.mask_worn_incorrectly += bucket.mask_worn_incorrectly ?? 0
  }
  return hours
}

export function useTodayCounters(options: TodayCountersOptions = {}): TodayCounters {
  const { throttleMs = 2000, everyMs = 60_000, fetchCounters = countByHour } = options
  let pending: ReturnType<typeof setTimeout> | undefined
  const it = useLoaded({
    key: shallowRef(true),
    everyMs,
    load: async (_: boolean, signal) => {
      clearTimeout(pending)
      pending = undefined
      const day = startOfDay(Date.now())
      const end = startOfDay(day.getTime() + 36 * 3_600_000)
      return { day, counters: await fetchCounters(day, end, signal) }
    },
  })
  const counters = computed(() => it.value.value?.counters ?? null)

  function soon(): void {
    pending ??= setTimeout(() => void it.refresh(), throttleMs)
  }

  useLiveSubscription({ onPass: soon, onReady: soon })
  onScopeDispose(() => clearTimeout(pending))

  const totals = computed<StateCounts>(() => ({ ...NOBODY, ...counters.value?.totals }))
  const people = computed(
    () => totals.value.with_mask + totals.value.without_mask + totals.value.mask_worn_incorrectly,
  )
  return {
    totals,
    people,
    protectedShare: computed(() => (people.value === 0 ? null : totals.value.with_mask / people.value)),
    coverage: computed(() => counters.value?.watched?.coverage ?? null),
    hours: computed(() => hoursOfDay(it.value.value?.day ?? startOfDay(Date.now()), counters.value)),
    state: it.state,
    error: it.error,
    reload: it.reload,
  }
}
