/** Whose movement and of which time: in the address, so that it can be sent to a colleague. */
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { TrackSpan, TrackSubject } from '@/api/trajectories'
import { startOfDay } from '@/format'

/** Whole days before today. */
export const TRACK_DAYS = { today: 0, days3: 2, week: 6, month: 29 } as const
export type TrackRange = keyof typeof TRACK_DAYS | 'custom'

const DAY_MS = 86_400_000
const known = (name: string | undefined): name is keyof typeof TRACK_DAYS =>
  name !== undefined && name in TRACK_DAYS

export function useTrackQuery() {
  const route = useRoute()
  const router = useRouter()
  const text = (name: string): string | undefined => {
    const value = route.query[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const moment = (name: string): number | undefined => {
    const at = Date.parse(text(name) ?? '')
    return Number.isNaN(at) ? undefined : at
  }
  const put = (change: Record<string, string | undefined>) =>
    void router.replace({ query: { ...route.query, ...change } })

  const subject = computed<TrackSubject | null>(() => {
    const [person, sighting] = [text('person'), text('sighting')]
    if (person !== undefined) return { kind: 'person', id: person }
    return sighting === undefined ? null : { kind: 'sighting', id: sighting }
  })
  const personId = computed<string | null>({
    get: () => text('person') ?? null,
    set: (id) => put({ person: id ?? undefined, sighting: undefined }),
  })
  const range = computed<TrackRange>(() => {
    if (moment('from') !== undefined) return 'custom'
    const name = text('range')
    return known(name) ? name : 'week'
  })
  const span = computed<TrackSpan>(() => {
    if (range.value === 'custom') return { from: text('from'), to: text('to') }
    const since = startOfDay(Date.now())
    since.setDate(since.getDate() - TRACK_DAYS[range.value])
    return { from: since.toISOString() }
  })
  const custom = computed<[number, number] | null>(() => {
    const from = moment('from')
    return from === undefined ? null : [from, moment('to') ?? from + DAY_MS]
  })

  function setCustom(span: [Date, Date] | null): void {
    if (span === null) setRange('week')
    else put({ range: undefined, from: span[0].toISOString(), to: span[1].toISOString() })
  }

  function setRange(next: TrackRange): void {
    if (next === 'custom') setCustom([startOfDay(Date.now()), new Date()])
    else put({ range: next, from: undefined, to: undefined })
  }

  return { subject, personId, range, span, custom, setRange, setCustom }
}
