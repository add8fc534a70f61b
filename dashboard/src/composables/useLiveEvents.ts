/**
 * Step 7 of 7 of a frame's way: what `miniprogram-api` recorded reaches the screen. One server-sent event stream a page;
 * it reconnects by itself, resumes after the last event it saw, and says how it is. Who shows passes or cameras
 * subscribes here and merges by id, so a repeated event changes nothing.
 */
import { onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'
import { openEventStream, type OpenEventStream, type StreamMessage } from '@/api/eventStream'
import { isAbort, RequestProblem } from '@/api/problem'
import type { SeenEvent } from '@/api/faceTypes'
import type { CameraEvent, OutageEvent, PassEvent } from '@/api/types'
import { createBackoff, type Backoff } from '@/live/backoff'

export type LiveEventsState = 'connecting' | 'open' | 'waiting' | 'closed'

export interface LiveEventsHandlers {
  onPass?: (event: PassEvent) => void
  onCamera?: (event: CameraEvent) => void
  /** A camera went, or its outage is over. */
  onOutage?: (event: OutageEvent) => void
  /** A face was seen and compared; an alert when its `alerts` says so. */
  onSeen?: (event: SeenEvent) => void
  /** The stream is open. `resumed` is false when events may be missing (first connection, or the server forgot): load again. */
  onReady?: (resumed: boolean) => void
}

export interface LiveEventsOptions {
  /** Opens the stream. Injected in tests. */
  open?: OpenEventStream
  /** Waits between attempts. Default 0.5 s doubling to 15 s. */
  backoff?: Backoff
  /** A stream that sends not even a ping for this long is dead, ms. Default 30000 (the server pings every 15 s). */
  silenceMs?: number
}

export interface LiveEvents {
  state: Readonly<ShallowRef<LiveEventsState>>
  /** Since when the stream is not open (ms since the epoch), or null. */
  lostAt: Readonly<ShallowRef<number | null>>
  /** Add handlers; answers the function that removes them. */
  subscribe: (handlers: LiveEventsHandlers) => () => void
  start: () => void
  stop: () => void
  /** Do not wait for the back-off: connect now. */
  retryNow: () => void
}

export function useLiveEvents(options: LiveEventsOptions = {}): LiveEvents {
  const { open = openEventStream, backoff = createBackoff(), silenceMs = 30_000 } = options
  const state = shallowRef<LiveEventsState>('closed')
  const lostAt = shallowRef<number | null>(null)
  const subscribers = new Set<LiveEventsHandlers>()

  let lastEventId: string | null = null
  let running = false
  let connection: AbortController | null = null
  let watchdog: ReturnType<typeof setTimeout> | undefined
  let retry: ReturnType<typeof setTimeout> | undefined

  function feedWatchdog(): void {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => drop(), silenceMs)
  }

  function ready(resumed: boolean): void {
    for (const each of [...subscribers]) each.onReady?.(resumed)
  }

  function deliver(message: StreamMessage): void {
    if (message.event === 'reset') {
      // The server no longer has what we missed: the feed continues at the id it names, the panels load anew.
      ready(false)
      return
    }
    try {
      if (message.event === 'pass') {
        const event = JSON.parse(message.data) as PassEvent
        for (const each of [...subscribers]) each.onPass?.(event)
      } else if (message.event === 'camera') {
        const event = JSON.parse(message.data) as CameraEvent
        for (const each of [...subscribers]) each.onCamera?.(event)
      } else if (message.event === 'camera_down' || message.event === 'camera_up') {
        const event = JSON.parse(message.data) as OutageEvent
        for (const each of [...subscribers]) each.onOutage?.(event)
      } else if (message.event === 'sighting' || message.event === 'watch') {
        const event = JSON.parse(message.data) as SeenEvent
        for (const each of [...subscribers]) each.onSeen?.(event)
      }
    } catch (error) {
      // One unreadable event must not end the feed; it also is not asked for again.
      if (!(error instanceof SyntaxError)) throw error
    }
  }

  async function connect(): Promise<void> {
    clearTimeout(retry)
    connection?.abort()
    const mine = new AbortController()
    connection = mine
    state.value = 'connecting'
    feedWatchdog()
    let waitMs: number | null = null
    try {
      const resuming = lastEventId !== null
      await open(
        lastEventId,
        {
          onOpen: () => {
            if (mine.signal.aborted) return
            feedWatchdog()
            state.value = 'open'
            lostAt.value = null
            ready(resuming)
          },
          onActivity: () => {
            if (mine.signal.aborted) return
            feedWatchdog()
            backoff.reset()
          },
          onMessage: (message) => {
            if (!mine.signal.aborted) deliver(message)
          },
          onPosition: (id) => {
            if (!mine.signal.aborted) lastEventId = id
          },
        },
        mine.signal,
      )
    } catch (error) {
      if (isAbort(error) && mine.signal.aborted) return
      if (error instanceof RequestProblem && error.retryAfterS !== null) waitMs = error.retryAfterS * 1000
    }
    if (!mine.signal.aborted) schedule(waitMs)
  }

  function schedule(atLeastMs: number | null = null): void {
    clearTimeout(watchdog)
    clearTimeout(retry)
    if (!running) return
    state.value = 'waiting'
    lostAt.value ??= Date.now()
    retry = setTimeout(() => void connect(), Math.max(backoff.next(), atLeastMs ?? 0))
  }

  /** Give the connection up and come back. */
  function drop(): void {
    connection?.abort()
    schedule()
  }

  function start(): void {
    if (running) return
    running = true
    void connect()
  }

  function stop(): void {
    running = false
    clearTimeout(watchdog)
    clearTimeout(retry)
    connection?.abort()
    connection = null
    lastEventId = null
    lostAt.value = null
    state.value = 'closed'
    backoff.reset()
  }

  function retryNow(): void {
    if (running && state.value === 'waiting') void connect()
  }

  function subscribe(handlers: LiveEventsHandlers): () => void {
    subscribers.add(handlers)
    return () => subscribers.delete(handlers)
  }

  // A laptop that wakes up or finds its network again need not wait for the timer.
  const onWake = () => {
    if (document.visibilityState === 'visible') retryNow()
  }
  window.addEventListener('online', retryNow)
  document.addEventListener('visibilitychange', onWake)
  onScopeDispose(() => {
    window.removeEventListener('online', retryNow)
    document.removeEventListener('visibilitychange', onWake)
    stop()
  })

  return { state: readonly(state), lostAt: readonly(lostAt), subscribe, start, stop, retryNow }
}
