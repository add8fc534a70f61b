/** Past watch alerts by a filter that stands in the address; new ones come on top while somebody looks. */
import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Sighting, WatchAlert, WatchAlertQuery } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import { listWatchAlerts } from '@/api/watchAlerts'
import { useUnseenAlerts } from '@/stores/unseenAlerts'
import { useLiveSubscription } from './liveEventsKey'
import { usePages, type Pages } from './usePages'

export const WATCH_STATES = ['open', 'all'] as const
export type WatchState = (typeof WATCH_STATES)[number]

export interface WatchFilter {
  state: WatchState
  camera: string | null
  person: string | null
  /** ms since the epoch. */
  span: [number, number] | null
}

export interface WatchAlerts {
  pages: Pages<WatchAlert>
  filter: ComputedRef<WatchFilter>
  change: (change: Partial<WatchFilter>) => void
  /** Which one is being acknowledged. */
  busyId: Readonly<ShallowRef<string | null>>
  /** Throws what the server refused. */
  acknowledge: (alert: WatchAlert) => Promise<void>
  /** A human decided about what was seen. */
  decided: (sighting: Sighting) => void
}

const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())

export const queryOf = ({ state, camera, person, span }: WatchFilter): WatchAlertQuery => ({
  acknowledged: state === 'open' ? 'false' : undefined,
  camera_id: camera ?? undefined,
  person_id: person ?? undefined,
  from: iso(span?.[0]),
  to: iso(span?.[1]),
})

/** `list` is injected in tests. */
export function useWatchAlerts(list = listWatchAlerts): WatchAlerts {
  const route = useRoute()
  const router = useRouter()
  const unseen = useUnseenAlerts()
  const text = (name: string): string | null => {
    const value = route.query[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const filter = computed<WatchFilter>(() => {
    const [from, to] = [Date.parse(text('from') ?? ''), Date.parse(text('to') ?? '')]
    return {
      state: text('state') === 'all' ? 'all' : 'open',
      camera: text('camera'),
      person: text('person'),
      span: Number.isNaN(from) || Number.isNaN(to) ? null : [from, to],
    }
  })
  // the address of another page says nothing about alerts
  const asked = computed((before?: WatchAlertQuery) =>
    route.name === 'watch' || before === undefined ? queryOf(filter.value) : before,
  )

  function change(part: Partial<WatchFilter>): void {
    const { state, camera, person, span } = { ...filter.value, ...part }
    const query = {
      state: state === 'all' ? state : undefined,
      camera: camera ?? undefined,
      person: person ?? undefined,
      from: iso(span?.[0]),
      to: iso(span?.[1]),
    }
    void router.replace({ query })
  }

  const pages = usePages<WatchAlert, WatchAlertQuery>({
    filter: asked,
    pageSize: 30,
    list,
    key: (alert) => alert.alert_id,
    order: (a, b) => Date.parse(b.seen_at) - Date.parse(a.seen_at),
  })
  useLiveSubscription({
    onSeen: ({ sighting }) => void (sighting.alerts && pages.refresh()),
    onReady: (resumed) => void (!resumed && pages.refresh()),
  })

  /** It stays in sight, as it is now: who clicked, here or in a notice, sees what came of it. */
  watch(
    () => unseen.settled,
    (alert) => {
      if (pages.items.value.some((each) => each.alert_id === alert?.alert_id))
        pages.merge(alert ? [alert] : [])
    },
  )

  const busyId = shallowRef<string | null>(null)
  async function acknowledge({ alert_id }: WatchAlert): Promise<void> {
    busyId.value = alert_id
    try {
      await unseen.acknowledge(alert_id)
    } catch (error) {
      if (!(error instanceof RequestProblem) || error.status !== 404) throw error
      // whoever it is about was erased, or is not theirs to see any more
      pages.remove(alert_id)
      unseen.drop(alert_id)
    } finally {
      busyId.value = null
    }
  }

  function decided(sighting: Sighting): void {
    const about = pages.items.value.filter((alert) => alert.sighting.sighting_id === sighting.sighting_id)
    pages.merge(about.map((alert) => ({ ...alert, sighting })))
  }

  return { pages, filter, change, busyId, acknowledge, decided }
}
