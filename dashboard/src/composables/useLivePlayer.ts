/**
 * Plays one camera less than half a second behind. Reconnects by itself; when the stream cannot play it says why and
 * `useSnapshots` takes over, while it goes on trying if that can help.
 */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { playTicket } from '@/api/cameras'
import { isAbort, RequestProblem } from '@/api/problem'
import type { PlayTicket } from '@/api/types'
import { streamAddress } from '@/live/address'
import { createBackoff, type Backoff } from '@/live/backoff'
import { readTicketRefusal, type Ending, type LiveReason } from '@/live/outcome'
import { openPlayback, type Playback } from '@/live/playback'

export type LiveMode = 'idle' | 'connecting' | 'live' | 'snapshots' | 'stopped'

export interface LivePlayerOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>
  /** Keeps the last picture while there is no stream, so that a reconnect does not flash black. */
  still?: Readonly<Ref<HTMLCanvasElement | null>>
  cameraId: Readonly<Ref<string>>
  /** Play only while true: off screen, switched off or without a picture it stays quiet. */
  active: Readonly<Ref<boolean>>
  /** Injected in tests. */
  ticket?: (cameraId: string, signal: AbortSignal) => Promise<PlayTicket>
  openSocket?: (address: string) => WebSocket
  /** `null` when this browser cannot play fragments. */
  mediaSource?: typeof MediaSource | null
  backoff?: Backoff
  /** Nothing arrives for this long: the connection is dead, ms. Default 8000. */
  silenceMs?: number
  /** So many attempts without a steady picture, then still pictures. Default 3. */
  maxFailures?: number
}

export interface LivePlayer {
  mode: ComputedRef<LiveMode>
  /** Why it is not playing, or null. */
  reason: Readonly<ShallowRef<LiveReason | null>>
  /** Seconds between the newest picture received and the one shown. */
  behindS: Readonly<ShallowRef<number | null>>
  /** The browser wants a click before it plays (battery saver). */
  needsGesture: Readonly<ShallowRef<boolean>>
  /** Play after a click. */
  resume: () => void
  /** Forget failures and connect now. */
  retry: () => void
}

/** Steady for this long, ms, and earlier failures are forgotten. */
const STEADY_MS = 20_000
/** After a planned restart all viewers return at once; this spreads them, ms. */
const RESTART_SPREAD_MS = 500

/** The browser's way to play fragments; iPhones (17.1 on) have the managed one only. */
export function browserMediaSource(): typeof MediaSource | null {
  const scope = globalThis as typeof globalThis & { ManagedMediaSource?: typeof MediaSource }
  return scope.MediaSource ?? scope.ManagedMediaSource ?? null
}

export function useLivePlayer(options: LivePlayerOptions): LivePlayer {
  const { video, still, cameraId, active, ticket = playTicket, silenceMs = 8000, maxFailures = 3 } = options
  const openSocket = options.openSocket ?? ((address) => new WebSocket(address))
  const Source = options.mediaSource === undefined ? browserMediaSource() : options.mediaSource
  const backoff = options.backoff ?? createBackoff({ firstMs: 800, maxMs: 30_000 })

  const phase = shallowRef<'idle' | 'connecting' | 'live' | 'stopped'>('idle')
  const reason = shallowRef<LiveReason | null>(null)
  const fallenBack = shallowRef(false)
  const behindS = shallowRef<number | null>(null)
  const needsGesture = shallowRef(false)
  const mode = computed<LiveMode>(() => {
    if (phase.value !== 'connecting') return phase.value
    return fallenBack.value ? 'snapshots' : 'connecting'
  })

  let failures = 0
  let attempt: AbortController | null = null
  let playback: Playback | null = null
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let steadyTimer: ReturnType<typeof setTimeout> | undefined

  function release(): void {
    clearTimeout(retryTimer)
    clearTimeout(steadyTimer)
    attempt?.abort()
    attempt = null
    playback?.close()
    playback = null
    behindS.value = null
    needsGesture.value = false
  }

  /** The attempt is over; decide what comes next. */
  function end(ending: Ending): void {
    release()
    reason.value = ending.reason
    if (ending.outcome === 'stop') {
      phase.value = 'stopped'
      return
    }
    phase.value = 'connecting'
    if (ending.outcome === 'snapshots') {
      // Trying again cannot help until the camera changes; `retry` is called then.
      fallenBack.value = true
      return
    }
    failures += 1
    if (failures >= maxFailures) fallenBack.value = true
    const soon = ending.outcome === 'retry_now' && failures < maxFailures
    retryTimer = setTimeout(() => void connect(), soon ? Math.random() * RESTART_SPREAD_MS : backoff.next())
  }

  function onPlaying(): void {
    phase.value = 'live'
    fallenBack.value = false
    reason.value = null
    clearTimeout(steadyTimer)
    steadyTimer = setTimeout(() => {
      failures = 0
      backoff.reset()
    }, STEADY_MS)
  }

  async function connect(): Promise<void> {
    release()
    if (!active.value || video.value === null) {
      phase.value = 'idle'
      return
    }
    phase.value = 'connecting'
    if (Source === null) {
      end({ outcome: 'snapshots', reason: 'no_mse' })
      return
    }
    const mine = new AbortController()
    attempt = mine
    try {
      const opened = await ticket(cameraId.value, mine.signal)
      if (mine.signal.aborted) return
      playback = openPlayback({
        address: streamAddress(opened.stream_url, opened.ticket),
        element: video.value,
        still: still?.value ?? null,
        Source,
        openSocket,
        silenceMs,
        onPlaying,
        onBlocked: (blocked) => (needsGesture.value = blocked),
        onBehind: (seconds) => (behindS.value = seconds),
        onEnd: end,
      })
    } catch (error) {
      if (mine.signal.aborted || isAbort(error)) return
      end(readTicketRefusal(error instanceof RequestProblem ? error.status : 0))
    }
  }

  function retry(): void {
    failures = 0
    backoff.reset()
    reason.value = null
    fallenBack.value = false
    void connect()
  }

  watch(
    [active, cameraId, video],
    () => {
      if (active.value) {
        retry()
        return
      }
      release()
      phase.value = 'idle'
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(release)

  return { mode, reason, behindS, needsGesture, resume: () => playback?.start(), retry }
}
