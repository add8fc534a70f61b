/**
 * One connection from socket to picture: fragmented MP4 over a WebSocket into a media source, kept close to the camera.
 * Ends once, with what that means; `useLivePlayer` decides what comes next.
 */
import { createAppendQueue, type AppendQueue } from './appendQueue'
import { createGapMeter, planChase } from './chase'
import { readClose, type Ending } from './outcome'

export interface PlaybackOptions {
  address: string
  element: HTMLVideoElement
  /** Gets the last picture when the connection is taken down. */
  still: HTMLCanvasElement | null
  Source: typeof MediaSource
  openSocket: (address: string) => WebSocket
  /** Nothing arrives for this long: the connection is dead, ms. */
  silenceMs: number
  onPlaying: () => void
  /** The browser wants a click before it plays. */
  onBlocked: (blocked: boolean) => void
  /** Seconds between the newest picture received and the one shown. */
  onBehind: (seconds: number) => void
  onEnd: (ending: Ending) => void
}

export interface Playback {
  /** Ask the browser to play, after a click. */
  start: () => void
  /** Take it down without `onEnd`. */
  close: () => void
}

const CHASE_EVERY_MS = 200
/** Width of the kept picture, px: it is only seen for a moment. */
const STILL_WIDTH_PX = 640

function keepStill(element: HTMLVideoElement, canvas: HTMLCanvasElement | null): void {
  if (canvas === null || element.videoWidth === 0 || element.readyState < 2) return
  canvas.width = STILL_WIDTH_PX
  canvas.height = Math.round((STILL_WIDTH_PX * element.videoHeight) / element.videoWidth)
  canvas.getContext('2d')?.drawImage(element, 0, 0, canvas.width, canvas.height)
}

export function openPlayback(options: PlaybackOptions): Playback {
  const { element, Source } = options
  const socket = options.openSocket(options.address)
  socket.binaryType = 'arraybuffer'
  const gap = createGapMeter()
  const early: ArrayBuffer[] = []
  let queue: AppendQueue | null = null
  let objectUrl: string | null = null
  let silence: ReturnType<typeof setTimeout> | undefined
  let over = false
  let blocked = false
  let cameraTrouble = false

  function finish(ending: Ending): void {
    if (!over) options.onEnd(ending)
  }

  function listenForSilence(): void {
    clearTimeout(silence)
    silence = setTimeout(() => finish({ outcome: 'retry', reason: 'silent' }), options.silenceMs)
  }

  function block(now: boolean): void {
    blocked = now
    options.onBlocked(now)
  }

  function start(): void {
    element.play()?.then(
      () => block(false),
      (error: unknown) => {
        if (!over && error instanceof DOMException && error.name === 'NotAllowedError') block(true)
      },
    )
  }

  function attach(mime: string): void {
    if (!Source.isTypeSupported(mime)) {
      finish({ outcome: 'snapshots', reason: 'codec' })
      return
    }
    const source = new Source()
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
    start()
  }

  function take(data: unknown): void {
    listenForSilence()
    if (data instanceof ArrayBuffer) {
      gap.mark(performance.now())
      if (queue === null) early.push(data)
      else queue.push(data)
      return
    }
    const message = JSON.parse(String(data)) as { type?: string; mime?: string; reason?: string }
    if (message.type === 'format' && typeof message.mime === 'string') attach(message.mime)
    if (message.type === 'error') cameraTrouble = message.reason !== 'restart'
  }

  function chase(): void {
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
    options.onBehind(Math.max(0, ranges.end(last) - element.currentTime))
    // Browsers pause hidden video by themselves.
    if (element.paused && !blocked && document.visibilityState === 'visible') start()
  }

  const onElementError = () => {
    if (element.getAttribute('src') !== null) finish({ outcome: 'retry', reason: 'decode' })
  }
  element.addEventListener('playing', options.onPlaying)
  element.addEventListener('error', onElementError)
  socket.onmessage = (event) => take(event.data)
  socket.onclose = (event) => {
    const ending = readClose(event.code)
    const vague = ending.reason === 'network' || ending.reason === 'restart'
    finish(cameraTrouble && vague ? { outcome: 'retry', reason: 'camera' } : ending)
  }
  const chasing = setInterval(chase, CHASE_EVERY_MS)
  listenForSilence()

  function close(): void {
    over = true
    keepStill(element, options.still)
    clearTimeout(silence)
    clearInterval(chasing)
    element.removeEventListener('playing', options.onPlaying)
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

  return { start, close }
}
