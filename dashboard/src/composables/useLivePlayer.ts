/**
 * Plays one camera: fragmented MP4 over a WebSocket into a media source, less than half a second behind. Reconnects by
 * itself; when the stream cannot play it says why and `useSnapshots` takes over, while it goes on trying if that can help.
 */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { playTicket } from '@/api/cameras'
import { isAbort, RequestProblem } from '@/api/problem'
import type { PlayTicket } from '@/api/types'
import { streamAddress } from '@/live/address'
import { createAppendQueue, type AppendQueue } from '@/live/appendQueue'
import { createBackoff, type Backoff } from '@/live/backoff'
import { createGapMeter, planChase } from '@/live/chase'
import { readClose, readTicketRefusal, type Ending, type LiveReason } from '@/live/outcome'

export type LiveMode = 'idle' | 'connecting' | 'live' | 'snapshots' | 'stopped'

export interface LivePlayerOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>
  cameraId: Readonly<Ref<string>>
  /** Play only while true: off screen, switched off or without a picture it stays quiet. */
  active: Readonly<Ref<boolean>>
  /** Keeps the last picture while there is no stream, so that a reconnect does not flash black. */
  still?: Readonly<Ref<HTMLCanvasElement | null>>
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
const CHASE_EVERY_MS = 200

/** The browser's way to play fragments; iPhones (17.1 on) have the managed one only. */
export function browserMediaSource(): typeof MediaSource | null {
  const scope = globalThis as typeof globalThis & { ManagedMediaSource?: typeof MediaSource }
  return scope.MediaSource ?? scope.ManagedMediaSource ?? null
}

/** Width of the kept picture, px: it is only seen for a moment. */
const STILL_WIDTH_PX = 640

function keepStill(element: HTMLVideoElement, canvas: HTMLCanvasElement | null | undefined): void {
  if (!canvas || element.videoWidth === 0 || element.readyState < 2) return
  canvas.width = STILL_WIDTH_PX
  canvas.height = Math.round((STILL_WIDTH_PX * element.videoHeight) / element.videoWidth)
  canvas.getContext('2d')?.drawImage(element, 0, 0, canvas.width, canvas.height)
}

export function useLivePlayer(options: LivePlayerOptions): LivePlayer {
  const { video, cameraId, active, ticket = playTicket, silenceMs = 8000, maxFailures = 3 } = options
  const openSocket = options.openSocket ?? ((address) => new WebSocket(address))
  const Source = options.mediaSource === undefined ? browserMediaSource() : options.mediaSource
  const backoff = options.backoff ?? createBackoff({ firstMs: 800, maxMs: 30_000 })

  const phase = shallowRef<'idle' | 'connecting' | 'live' | 'stopped'>('idle')
  const reason = shallowRef<LiveReason | null>(null)
  const fallenBack = shallowRef(false)
  const behindS = shallowRef<number | null>(null)
  const needsGesture = shallowRef(false)
  const mode = computed<LiveMode>(() => {
    if (phase.value === 'live' || phase.value === 'idle' || phase.value === 'stopped') return phase.value
    return fallenBack.value ? 'snapshots' : 'connecting'
  })

  let failures = 0
  let attempt: AbortController | null = null
  let closeAttempt: (() => void) | null = null
  let retryTimer: ReturnType<typeof setTimeout> | undefined

  function release(): void {
    clearTimeout(retryTimer)
    attempt?.abort()
    attempt = null
    closeAttempt?.()
    closeAttempt = null
    behindS.value = null
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
    const wait =
      ending.outcome === 'retry_now' && failures < maxFailures ? 150 + Math.random() * 350 : backoff.next()
    retryTimer = setTimeout(() => void connect(), wait)
  }

  async function connect(): Promise<void> {
    release()
    if (!active.value || video.value === null) {
      phase.value = 'idle'
      return
    }
    if (phase.value !== 'stopped') phase.value = 'connecting'
    if (Source === null) {
      end({ outcome: 'snapshots', reason: 'no_mse' })
      return
    }
    const mine = new AbortController()
    attempt = mine
    try {
      const opened = await ticket(cameraId.value, mine.signal)
      if (mine.signal.aborted) return
      closeAttempt = play(streamAddress(opened.stream_url, opened.ticket), video.value, Source)
    } catch (error) {
      if (mine.signal.aborted || isAbort(error)) return
      end(readTicketRefusal(error instanceof RequestProblem ? error.status : 0))
    }
  }

  function start(element: HTMLVideoElement): void {
    element.play()?.then(
      () => (needsGesture.value = false),
      (error: unknown) => {
        if (error instanceof DOMException && error.name === 'NotAllowedError') needsGesture.value = true
      },
    )
  }

  /** One connection from socket to picture; answers how to take it down. */
  function play(address: string, element: HTMLVideoElement, SourceType: typeof MediaSource): () => void {
    const socket = openSocket(address)
    socket.binaryType = 'arraybuffer'
    const gap = createGapMeter()
    let queue: AppendQueue | null = null
    let objectUrl: string | null = null
    let silence: ReturnType<typeof setTimeout> | undefined
    let steady: ReturnType<typeof setTimeout> | undefined
    let over = false
    let cameraTrouble = false
    const early: ArrayBuffer[] = []

    const finish = (ending: Ending) => {
      if (!over) end(ending)
    }
    const listenForSilence = () => {
      clearTimeout(silence)
      silence = setTimeout(() => finish({ outcome: 'retry', reason: 'silent' }), silenceMs)
    }

    function attach(mime: string): void {
      if (!SourceType.isTypeSupported(mime)) {
        finish({ outcome: 'snapshots', reason: 'codec' })
        return
      }
      const source = new SourceType()
      // Managed media sources refuse to work while the picture could be cast elsewhere.
      element.disableRemotePlayback = true
      source.addEventListener('sourceopen', () => {
        if (over || queue !== null) return
        const buffer = source.addSourceBuffer(mime)
        buffer.mode = 'segments'
        queue = createAppendQueue(buffer, {
          onOverflow: () => finish({ outcome: 'retry', reason: 'slow' }),
          onError: () => finish({ outcome: 'retry', reason: 'decode' }),
        })
        for (const fragment of early.splice(0)) queue.push(fragment)
      })
      objectUrl = URL.createObjectURL(source)
      element.src = objectUrl
      start(element)
    }

    function take(data: unknown): void {
      listenForSilence()
      if (data instanceof ArrayBuffer) {
        gap.mark(performance.now())
        if (queue === null) early.push(data)
        else queue.push(data)
        return
      }
      const message = JSON.parse(String(data)) as { type?: string; mime?: string }
      if (message.type === 'format' && typeof message.mime === 'string') attach(message.mime)
      if (message.type === 'error') cameraTrouble = true
    }

    const chase = setInterval(() => {
      const ranges = element.buffered
      if (queue === null || ranges.length === 0) return
      const last = ranges.length - 1
      const plan = planChase({
        currentTime: element.currentTime,
        start: ranges.start(last),
        end: ranges.end(last),
        playbackRate: element.playbackRate,
        gapS: gap.gapS,
      })
      if (plan.seekTo !== null) element.currentTime = plan.seekTo
      if (element.playbackRate !== plan.rate) element.playbackRate = plan.rate
      if (plan.trimTo !== null) queue.trim(plan.trimTo)
      behindS.value = Math.max(0, ranges.end(last) - element.currentTime)
      if (element.paused && !needsGesture.value && document.visibilityState === 'visible') start(element)
    }, CHASE_EVERY_MS)

    const onPlaying = () => {
      phase.value = 'live'
      fallenBack.value = false
      reason.value = null
      clearTimeout(steady)
      steady = setTimeout(() => {
        failures = 0
        backoff.reset()
      }, STEADY_MS)
    }
    const onElementError = () => {
      if (element.getAttribute('src') !== null) finish({ outcome: 'retry', reason: 'decode' })
    }
    element.addEventListener('playing', onPlaying)
    element.addEventListener('error', onElementError)
    socket.onmessage = (event) => take(event.data)
    socket.onclose = (event) => {
      const ending = readClose(event.code)
      finish(cameraTrouble && ending.reason === 'network' ? { outcome: 'retry', reason: 'camera' } : ending)
    }
    listenForSilence()

    return () => {
      over = true
      keepStill(element, options.still?.value)
      clearTimeout(silence)
      clearTimeout(steady)
      clearInterval(chase)
      element.removeEventListener('playing', onPlaying)
      element.removeEventListener('error', onElementError)
      queue?.close()
      socket.onmessage = null
      socket.onclose = null
      socket.close()
      element.playbackRate = 1
      element.removeAttribute('src')
      element.load()
      if (objectUrl !== null) URL.revokeObjectURL(objectUrl)
    }
  }

  function retry(): void {
    failures = 0
    backoff.reset()
    reason.value = null
    fallenBack.value = false
    phase.value = 'connecting'
    void connect()
  }

  function resume(): void {
    needsGesture.value = false
    if (video.value !== null) start(video.value)
  }

  watch([active, cameraId, video], () => (active.value ? retry() : (release(), (phase.value = 'idle'))), {
    immediate: true,
    flush: 'post',
  })
  onScopeDispose(release)

  return { mode, reason, behindS, needsGesture, resume, retry }
}
