/**
 * Plays one camera less than half a second behind. Takes the best way that works here: WebSocket, else HLS, and when no
 * video can play says why, so that `useSnapshots` takes over, while it goes on trying if that can help. Comes back by
 * itself after sleep and loss of the network.
 */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { playTicket } from '@/api/cameras'
import { isAbort, RequestProblem } from '@/api/problem'
import type { PlayTicket } from '@/api/types'
import { playlistAddress, streamAddress } from '@/live/address'
import { createBackoff, type Backoff } from '@/live/backoff'
import { createFaceTimeline, type FaceTimeline } from '@/live/faceTimeline'
import { readTicketRefusal, type Ending, type LiveReason, type PictureKind } from '@/live/outcome'
import { openHlsPlayback, openNativeHls, openSocketPlayback, type Playback } from '@/live/playback'
import { useAwakening } from './useAwakening'

export type LiveMode = 'idle' | 'connecting' | 'live' | 'snapshots' | 'stopped'
/** How the bytes come. */
export type Transport = 'socket' | 'hls'

export interface LivePlayerOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>
  /** Keeps the last picture while there is no stream, so that a reconnect does not flash black. */
  still?: Readonly<Ref<HTMLCanvasElement | null>>
  cameraId: Readonly<Ref<string>>
  /** Play only while true: off screen, switched off or without a picture it stays quiet. */
  active: Readonly<Ref<boolean>>
  /** Whether boxes are shown: then the picture waits for them a little. Default no. */
  wantsFaces?: () => boolean
  /** Injected in tests. */
  ticket?: (cameraId: string, signal: AbortSignal) => Promise<PlayTicket>
  openSocket?: (address: string) => WebSocket
  fetchData?: typeof fetch
  /** `null` when this browser cannot play fragments. */
  mediaSource?: typeof MediaSource | null
  backoff?: Backoff
  /** Nothing arrives for this long: the connection is dead, ms. Default 6000. */
  silenceMs?: number
  /** So many attempts without a steady picture, then still pictures. Default 3. */
  maxFailures?: number
}

export interface LivePlayer {
  mode: ComputedRef<LiveMode>
  /** Why it is not playing, or null. */
  reason: Readonly<ShallowRef<LiveReason | null>>
  /** The way that is in use or is tried. */
  transport: Readonly<ShallowRef<Transport>>
  /** Seconds between the camera's picture and the one shown. */
  delayS: Readonly<ShallowRef<number | null>>
  /** What the picture is; null before it is known. */
  kind: Readonly<ShallowRef<PictureKind | null>>
  /** What was found in the picture, by moment of the stream. */
  faces: FaceTimeline
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
/** When the server is busy converting others, ask again after so long, ms. */
const LATER_MS = 15_000
/** A WebSocket that broke so often before it said anything does not get through here. */
const DEAF_SOCKETS = 2
/** While HLS plays, see this often whether the better way works now, ms. */
const RECONSIDER_MS = 120_000

/** The browser's way to play fragments; iPhones (17.1 on) have the managed one only. */
export function browserMediaSource(): typeof MediaSource | null {
  const scope = globalThis as typeof globalThis & { ManagedMediaSource?: typeof MediaSource }
  return scope.MediaSource ?? scope.ManagedMediaSource ?? null
}

export function useLivePlayer(options: LivePlayerOptions): LivePlayer {
  const { video, still, cameraId, active, ticket = playTicket, silenceMs = 6000, maxFailures = 3 } = options
  const openSocket = options.openSocket ?? ((address) => new WebSocket(address))
  const fetchData = options.fetchData ?? ((...given: Parameters<typeof fetch>) => fetch(...given))
  const Source = options.mediaSource === undefined ? browserMediaSource() : options.mediaSource
  const backoff = options.backoff ?? createBackoff({ firstMs: 500, maxMs: 15_000 })

  const phase = shallowRef<'idle' | 'connecting' | 'live' | 'stopped'>('idle')
  const reason = shallowRef<LiveReason | null>(null)
  const transport = shallowRef<Transport>('socket')
  const fallenBack = shallowRef(false)
  const delayS = shallowRef<number | null>(null)
  const kind = shallowRef<PictureKind | null>(null)
  const needsGesture = shallowRef(false)
  const faces = createFaceTimeline()
  const mode = computed<LiveMode>(() => {
    if (phase.value !== 'connecting') return phase.value
    return fallenBack.value ? 'snapshots' : 'connecting'
  })

  let failures = 0
  let deafSockets = 0
  let attempt: AbortController | null = null
  let playback: Playback | null = null
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let steadyTimer: ReturnType<typeof setTimeout> | undefined
  let reconsiderTimer: ReturnType<typeof setTimeout> | undefined

  function release(): void {
    clearTimeout(retryTimer)
    clearTimeout(steadyTimer)
    clearTimeout(reconsiderTimer)
    attempt?.abort()
    attempt = null
    playback?.close()
    playback = null
    delayS.value = null
    kind.value = null
    needsGesture.value = false
    faces.clear()
  }

  /** The attempt is over; decide what comes next. */
  function end(ending: Ending): void {
    const wasDeaf = transport.value === 'socket' && kind.value === null && ending.reason === 'network'
    release()
    const offline = ending.reason === 'network' && !navigator.onLine
    reason.value = offline ? 'offline' : ending.reason
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
    if (ending.outcome === 'later') {
      fallenBack.value = true
      retryTimer = setTimeout(() => void connect(), LATER_MS)
      return
    }
    failures += 1
    if (failures >= maxFailures) fallenBack.value = true
    deafSockets = wasDeaf && !offline ? deafSockets + 1 : 0
    if (deafSockets >= DEAF_SOCKETS) transport.value = 'hls'
    else if (transport.value === 'hls') transport.value = 'socket'
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
    if (transport.value === 'hls' && Source !== null) {
      clearTimeout(reconsiderTimer)
      reconsiderTimer = setTimeout(retry, RECONSIDER_MS)
    }
  }

  function open(element: HTMLVideoElement, opened: PlayTicket): Playback {
    const known = {
      element,
      still: still?.value ?? null,
      silenceMs,
      faces,
      wantsFaces: options.wantsFaces ?? (() => false),
      onKind: (found: PictureKind) => (kind.value = found),
      onPlaying,
      onBlocked: (blocked: boolean) => (needsGesture.value = blocked),
      onDelay: (seconds: number) => (delayS.value = seconds),
      onEnd: end,
    }
    const playlist = playlistAddress(opened.hls_url, opened.ticket)
    if (Source === null) return openNativeHls({ ...known, address: playlist })
    if (transport.value === 'hls') return openHlsPlayback({ ...known, Source, fetchData, address: playlist })
    const address = streamAddress(opened.stream_url, opened.ticket)
    return openSocketPlayback({ ...known, Source, openSocket, address })
  }

  async function connect(): Promise<void> {
    release()
    const element = video.value
    if (!active.value || element === null) {
      phase.value = 'idle'
      return
    }
    phase.value = 'connecting'
    if (Source === null) {
      if (element.canPlayType('application/vnd.apple.mpegurl') === '') {
        end({ outcome: 'snapshots', reason: 'no_mse' })
        return
      }
      transport.value = 'hls'
    }
    const mine = new AbortController()
    attempt = mine
    try {
      const opened = await ticket(cameraId.value, mine.signal)
      if (!mine.signal.aborted) playback = open(element, opened)
    } catch (error) {
      if (mine.signal.aborted || isAbort(error)) return
      end(readTicketRefusal(error instanceof RequestProblem ? error.status : 0))
    }
  }

  function retry(): void {
    failures = 0
    deafSockets = 0
    transport.value = 'socket'
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
  useAwakening({
    onAwake: () => {
      if (phase.value === 'live' || phase.value === 'connecting') retry()
    },
    onOnline: () => {
      if (phase.value === 'connecting' && reason.value !== 'codec') retry()
    },
  })
  onScopeDispose(release)

  return {
    mode,
    reason,
    transport,
    delayS,
    kind,
    faces,
    needsGesture,
    resume: () => playback?.start(),
    retry,
  }
}
