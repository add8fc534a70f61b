/**
 * One connection from server to picture. Ends once, with what that means; `useLivePlayer` decides what comes next.
 * Two ways: over a WebSocket, nearly without delay, or as HLS in pieces, seconds late but through every proxy.
 */
import { createStreamClock } from './streamClock'
import { openHls } from './hlsPieces'
import { keepStill, openScreen, startPlaying, type ScreenOptions } from './screen'
import { readClose, type Ending, type PictureKind } from './outcome'
import type { FaceTimeline, SeenFace } from './faceTimeline'

export interface PlaybackOptions {
  address: string
  element: HTMLVideoElement
  still: HTMLCanvasElement | null
  Source: typeof MediaSource
  /** Nothing arrives for this long: the connection is dead, ms. */
  silenceMs: number
  faces: FaceTimeline
  /** Whether boxes are shown: then the picture waits for them a little. */
  wantsFaces: () => boolean
  onKind: (kind: PictureKind) => void
  onPlaying: () => void
  onBlocked: (blocked: boolean) => void
  /** Seconds between the camera's picture and the one shown. */
  onDelay: (seconds: number) => void
  onEnd: (ending: Ending) => void
}

export interface SocketPlaybackOptions extends PlaybackOptions {
  openSocket: (address: string) => WebSocket
}

export interface HlsPlaybackOptions extends PlaybackOptions {
  fetchData: typeof fetch
}

export interface Playback {
  /** Ask the browser to play, after a click. */
  start: () => void
  /** Take it down without `onEnd`. */
  close: () => void
}

/** Messages of `/live/cameras/{id}/stream`. */
interface Note extends Partial<PictureKind> {
  type?: 'format' | 'faces' | 'clock' | 'error'
  mime?: string
  reason?: string
  at?: number
  age?: number
  said?: number
  faces?: SeenFace[]
}

function createSilence(silenceMs: number, onSilence: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const clear = () => clearTimeout(timer)
  const heard = () => {
    clear()
    timer = setTimeout(onSilence, silenceMs)
  }
  return { heard, clear }
}

/** What both ways have in common with `screen`. */
function screenOptions(
  options: PlaybackOptions,
): Omit<ScreenOptions, 'style' | 'onPosition' | 'onEnd' | 'wantedBehindS'> {
  const { element, still, Source, onPlaying, onBlocked } = options
  return { element, still, Source, onPlaying, onBlocked }
}

export function openSocketPlayback(options: SocketPlaybackOptions): Playback {
  const socket = options.openSocket(options.address)
  socket.binaryType = 'arraybuffer'
  const clock = createStreamClock()
  let over = false
  let cameraTrouble = false

  function finish(ending: Ending): void {
    if (!over) options.onEnd(ending)
  }

  const silence = createSilence(options.silenceMs, () => finish({ outcome: 'retry', reason: 'silent' }))
  const screen = openScreen({
    ...screenOptions(options),
    style: 'near',
    wantedBehindS: () => (options.wantsFaces() ? options.faces.lateS : 0),
    onPosition: (shownS, newestS) =>
      options.onDelay(clock.delayS(shownS, performance.now()) ?? Math.max(0, newestS - shownS)),
    onEnd: finish,
  })

  function hear(note: Note): void {
    if (note.type === 'format' && typeof note.mime === 'string') {
      const { converted = false, masked = false, unmasked = false } = note
      options.onKind({ converted, masked, unmasked })
      screen.attach(note.mime)
    } else if (note.type === 'faces' && note.at !== undefined && note.faces !== undefined) {
      options.faces.hear(note.at, note.faces, screen.newestS())
    } else if (note.type === 'clock' && note.at !== undefined) {
      clock.hear({ at: note.at, age: note.age ?? 0, said: note.said ?? 0 }, performance.now())
    } else if (note.type === 'error') cameraTrouble = note.reason !== 'restart' && note.reason !== 'masked'
  }

  socket.onmessage = (event: MessageEvent<unknown>) => {
    silence.heard()
    if (event.data instanceof ArrayBuffer) screen.push(event.data)
    else hear(JSON.parse(String(event.data)) as Note)
  }
  socket.onclose = (event) => {
    const ending = readClose(event.code)
    const vague = ending.reason === 'network' || ending.reason === 'restart'
    finish(cameraTrouble && vague ? { outcome: 'retry', reason: 'camera' } : ending)
  }
  silence.heard()

  function close(): void {
    over = true
    silence.clear()
    screen.close()
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  return { start: screen.start, close }
}

/** HLS through a media source: the same bytes in pieces. */
export function openHlsPlayback(options: HlsPlaybackOptions): Playback {
  let over = false
  let listedMs = performance.now()

  function finish(ending: Ending): void {
    if (!over) options.onEnd(ending)
  }

  const silence = createSilence(2 * options.silenceMs, () => finish({ outcome: 'retry', reason: 'silent' }))
  const screen = openScreen({
    ...screenOptions(options),
    style: 'pieces',
    wantedBehindS: () => 0,
    // A piece is listed when its last picture is new.
    onPosition: (shownS, newestS) =>
      options.onDelay(Math.max(0, newestS - shownS + (performance.now() - listedMs) / 1000)),
    onEnd: finish,
  })
  const pieces = openHls({
    address: options.address,
    fetchData: options.fetchData,
    onBegin(mime, kind) {
      options.onKind(kind)
      screen.attach(mime)
    },
    onPiece(data) {
      listedMs = performance.now()
      silence.heard()
      screen.push(data)
    },
    wantsFaces: options.wantsFaces,
    onFaces: (at, faces) => options.faces.hear(at, faces, screen.newestS()),
    onEnd: finish,
  })
  silence.heard()

  function close(): void {
    over = true
    silence.clear()
    pieces.close()
    screen.close()
  }

  return { start: screen.start, close }
}

/** HLS as the browser itself plays it: iPhones that have no media source. Its delay is not known. */
export function openNativeHls(options: Omit<PlaybackOptions, 'Source'>): Playback {
  const { element } = options
  let over = false
  const onError = () => {
    if (!over && element.getAttribute('src') !== null) options.onEnd({ outcome: 'retry', reason: 'network' })
  }
  const start = () => startPlaying(element, options.onBlocked)
  element.addEventListener('playing', options.onPlaying)
  element.addEventListener('error', onError)
  element.src = options.address
  start()
  return {
    start,
    close() {
      over = true
      keepStill(element, options.still)
      element.removeEventListener('playing', options.onPlaying)
      element.removeEventListener('error', onError)
      element.removeAttribute('src')
      element.load()
    },
  }
}
