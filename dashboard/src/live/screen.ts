/**
 * From bytes to picture: fragments of MP4 into a media source on a video element, kept close to the newest one. The
 * transports (`socketPlayback`, `hlsPlayback`) bring the bytes.
 */
import { createAppendQueue, type AppendQueue } from './appendQueue'
import { createGapMeter, planChase, type ChaseStyle } from './chase'
import type { Ending } from './outcome'

export interface ScreenOptions {
  element: HTMLVideoElement
  /** Gets the last picture when the connection is taken down. */
  still: HTMLCanvasElement | null
  Source: typeof MediaSource
  style: ChaseStyle
  /** How far behind the newest picture it should play at least, seconds; see `faceTimeline`. */
  wantedBehindS: () => number
  onPlaying: () => void
  /** The browser wants a click before it plays. */
  onBlocked: (blocked: boolean) => void
  /** Several times a second: where it plays and what the newest picture is, seconds of the stream. */
  onPosition: (shownS: number, newestS: number) => void
  onEnd: (ending: Ending) => void
}

export interface Screen {
  attach: (mime: string) => void
  push: (fragment: ArrayBuffer) => void
  /** Ask the browser to play, after a click. */
  start: () => void
  close: () => void
  /** The newest picture that is buffered, seconds of the stream; null before the first. */
  newestS: () => number | null
}

const CHASE_EVERY_MS = 200
/** Width of the kept picture, px: it is only seen for a moment. */
const STILL_WIDTH_PX = 640

export function keepStill(element: HTMLVideoElement, canvas: HTMLCanvasElement | null): void {
  if (canvas === null || element.videoWidth === 0 || element.readyState < 2) return
  canvas.width = STILL_WIDTH_PX
  canvas.height = Math.round((STILL_WIDTH_PX * element.videoHeight) / element.videoWidth)
  canvas.getContext('2d')?.drawImage(element, 0, 0, canvas.width, canvas.height)
}

/** Ask to play; browsers refuse without a click when they save energy. */
export function startPlaying(element: HTMLVideoElement, onBlocked: (blocked: boolean) => void): void {
  element.play()?.then(
    () => onBlocked(false),
    (error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') onBlocked(true)
    },
  )
}

export function openScreen(options: ScreenOptions): Screen {
  const { element, Source } = options
  const gap = createGapMeter()
  const early: ArrayBuffer[] = []
  let queue: AppendQueue | null = null
  let objectUrl: string | null = null
  let over = false
  let blocked = false
  let jumpedMs = 0
  let jumpTookS = 0

  function finish(ending: Ending): void {
    if (!over) options.onEnd(ending)
  }

  function start(): void {
    startPlaying(element, (now) => {
      if (over) return
      blocked = now
      options.onBlocked(now)
    })
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

  function newestS(): number | null {
    const ranges = element.buffered
    return ranges.length === 0 ? null : ranges.end(ranges.length - 1)
  }

  function chase(): void {
    const end = newestS()
    if (queue === null || end === null) return
    options.onPosition(element.currentTime, end)
    // The browser decodes from the last key frame up to there; another jump would only begin that again.
    if (element.seeking) return
    const plan = planChase(
      {
        currentTime: element.currentTime,
        start: element.buffered.start(element.buffered.length - 1),
        end,
        playbackRate: element.playbackRate,
        gapS: gap.gapS,
        wantedS: options.wantedBehindS(),
        jumpTookS,
      },
      options.style,
    )
    if (plan.seekTo !== null) {
      jumpedMs = performance.now()
      element.currentTime = plan.seekTo
    }
    if (element.playbackRate !== plan.rate) element.playbackRate = plan.rate
    if (plan.trimTo !== null) queue.trim(plan.trimTo)
    // Browsers pause hidden video by themselves.
    if (element.paused && !blocked && document.visibilityState === 'visible') start()
  }

  const onElementError = () => {
    if (element.getAttribute('src') !== null) finish({ outcome: 'retry', reason: 'decode' })
  }
  const onSeeked = () => {
    jumpTookS = (performance.now() - jumpedMs) / 1000
  }
  element.addEventListener('playing', options.onPlaying)
  element.addEventListener('seeked', onSeeked)
  element.addEventListener('error', onElementError)
  const chasing = setInterval(chase, CHASE_EVERY_MS)

  function close(): void {
    over = true
    keepStill(element, options.still)
    clearInterval(chasing)
    element.removeEventListener('playing', options.onPlaying)
    element.removeEventListener('seeked', onSeeked)
    element.removeEventListener('error', onElementError)
    queue?.close()
    element.playbackRate = 1
    element.removeAttribute('src')
    element.load()
    if (objectUrl !== null) URL.revokeObjectURL(objectUrl)
  }

  return {
    attach,
    push(fragment) {
      gap.mark(performance.now())
      if (queue === null) early.push(fragment)
      else queue.push(fragment)
    },
    start,
    close,
    newestS,
  }
}
