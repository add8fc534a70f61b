/**
 * What is kept of one camera on one day, and playback of it from any second: the piece that holds a moment is looked up,
 * at its end the next one follows. Where nothing was recorded, the clip of a pass stands in; where there is nothing at
 * all, playback goes on at the next thing there is.
 */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { footageTimeline, listFootage } from '@/api/footage'
import { listPasses } from '@/api/passes'
import { isAbort } from '@/api/problem'
import type { Footage, FootageQuery, Pass } from '@/api/types'
import type { Span } from '@/footage/timeline'
import type { LoadState } from '@/stores/cameras'
import { useLoaded } from './useLoaded'

/** A day that is still going on grows. */
const AGAIN_MS = 20_000
const PAGE = 200
/** More events than this are not drawn. */
const MAX_PASSES = 2000

export interface RecordingsOptions {
  camera: Readonly<Ref<string | null>>
  day: Readonly<Ref<Span>>
  /** Injected in tests. */
  list?: typeof listFootage
  timeline?: typeof footageTimeline
  passes?: typeof listPasses
}

export interface Recordings {
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  recorded: ComputedRef<Span[]>
  clips: ComputedRef<Span[]>
  /** Oldest first. */
  passes: ComputedRef<Pass[]>
  /** What plays, and from which second of it; a new object seeks again. */
  footage: Readonly<ShallowRef<Footage | null>>
  cue: Readonly<ShallowRef<{ seconds: number }>>
  /** Where playback stands, ms since the epoch. */
  position: ComputedRef<number | null>
  /** Milliseconds without anything that were skipped to get here; 0: none. */
  skipped: Readonly<ShallowRef<number>>
  seeking: Readonly<ShallowRef<boolean>>
  reload: () => Promise<void>
  seek: (at: number) => Promise<void>
  /** The piece has ended: go on with the next. */
  next: () => Promise<void>
  /** The player shows this second of the piece. */
  shows: (seconds: number) => void
}

const iso = (at: number) => new Date(at).toISOString()
const spanOf = (span: { start: string; end: string }): Span => ({
  start: Date.parse(span.start),
  end: Date.parse(span.end),
})

export function useRecordings(options: RecordingsOptions): Recordings {
  const {
    camera,
    day,
    list = listFootage,
    timeline = footageTimeline,
    passes: fetchPasses = listPasses,
  } = options
  const footage = shallowRef<Footage | null>(null)
  const cue = shallowRef({ seconds: 0 })
  const seconds = shallowRef(0)
  const skipped = shallowRef(0)
  const seeking = shallowRef(false)
  const position = computed(() =>
    footage.value === null ? null : Date.parse(footage.value.started_at) + seconds.value * 1000,
  )
  let lookup = new AbortController()

  async function allPasses(camera_id: string, signal: AbortSignal): Promise<Pass[]> {
    const found: Pass[] = []
    let after: string | undefined
    do {
      const query = { camera_id, from: iso(day.value.start), to: iso(day.value.end), after, limit: PAGE }
      const page = await fetchPasses(query, signal)
      found.push(...page.items)
      after = page.next ?? undefined
    } while (after !== undefined && found.length < MAX_PASSES)
    return found.reverse()
  }

  const it = useLoaded({
    key: computed(() => (camera.value === null ? null : { camera_id: camera.value, day: day.value })),
    everyMs: AGAIN_MS,
    moving: () => Date.now() < day.value.end,
    load: async ({ camera_id, day: { start, end } }, signal) => {
      const [line, people] = await Promise.all([
        timeline(camera_id, iso(start), iso(end), signal),
        allPasses(camera_id, signal),
      ])
      return { recorded: line.recorded.map(spanOf), clips: line.clips.map(spanOf), passes: people }
    },
  })

  async function first(query: FootageQuery, signal: AbortSignal): Promise<Footage | null> {
    return (
      (await list({ camera_id: camera.value ?? undefined, order: 'oldest', limit: 1, ...query }, signal))
        .items[0] ?? null
    )
  }

  /** What holds `at`, or else what comes first after it on this day; a recording is preferred to a clip. */
  async function find(at: number, signal: AbortSignal): Promise<Footage | null> {
    const until = iso(day.value.end)
    const [recording, clip] = await Promise.all([
      first({ kind: 'recording', from: iso(at), to: until }, signal),
      first({ kind: 'clip', from: iso(at), to: until }, signal),
    ])
    if (recording === null || clip === null) return recording ?? clip
    const begins = (of: Footage) => Math.max(at, Date.parse(of.started_at))
    return begins(recording) <= begins(clip) ? recording : clip
  }

  function play(of: Footage, at: number): void {
    const from = Math.max(0, (at - Date.parse(of.started_at)) / 1000)
    footage.value = of
    cue.value = { seconds: from }
    seconds.value = from
  }

  async function seek(at: number): Promise<void> {
    lookup.abort()
    lookup = new AbortController()
    const mine = lookup
    skipped.value = 0
    const now = footage.value
    if (now !== null && Date.parse(now.started_at) <= at && at < Date.parse(now.ended_at)) {
      play(now, at)
      return
    }
    seeking.value = true
    try {
      const found = await find(at, mine.signal)
      if (mine.signal.aborted) return
      if (found === null) {
        footage.value = null
        return
      }
      skipped.value = Math.max(0, Date.parse(found.started_at) - at)
      play(found, at)
    } catch (problem) {
      if (!mine.signal.aborted && !isAbort(problem)) it.error.value = problem
    } finally {
      if (mine === lookup) seeking.value = false
    }
  }

  async function next(): Promise<void> {
    const done = footage.value
    if (done !== null) await seek(Date.parse(done.ended_at) + 1)
  }

  watch([camera, day], () => {
    lookup.abort()
    footage.value = null
    skipped.value = 0
  })
  onScopeDispose(() => lookup.abort())

  return {
    state: it.state,
    error: it.error,
    recorded: computed(() => it.value.value?.recorded ?? []),
    clips: computed(() => it.value.value?.clips ?? []),
    passes: computed(() => it.value.value?.passes ?? []),
    footage,
    cue,
    position,
    skipped,
    seeking,
    reload: it.reload,
    seek,
    next,
    shows: (at) => {
      seconds.value = at
    },
  }
}
