import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventStreamHandlers, OpenEventStream } from '@/api/eventStream'
import { RequestProblem } from '@/api/problem'
import { createBackoff } from '@/live/backoff'
import { aCamera, aPass } from '@/testing/samples'
import { inScope, settle } from '@/testing/mounting'
import { useLiveEvents } from './useLiveEvents'

interface Connection extends EventStreamHandlers {
  lastEventId: string | null
  signal: AbortSignal
  end: () => void
  fail: (error: unknown) => void
}

function setUp() {
  const connections: Connection[] = []
  const open: OpenEventStream = (lastEventId, handlers, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
      connections.push({ ...handlers, lastEventId, signal, end: resolve, fail: reject })
    })
  const { value: events, stop } = inScope(() =>
    useLiveEvents({ open, backoff: createBackoff({ firstMs: 1000, random: () => 1 }), silenceMs: 30_000 }),
  )
  const seen: string[] = []
  events.subscribe({
    onPass: ({ pass }) => seen.push(pass.pass_id),
    onCamera: ({ camera, deleted }) => seen.push(`${camera.camera_id}${deleted ? ' removed' : ''}`),
    onReady: (resumed) => seen.push(resumed ? 'resumed' : 'load'),
  })
  const last = () => connections[connections.length - 1]!
  const send = (event: string, body: unknown, id: string) => {
    last().onMessage({ id, event, data: typeof body === 'string' ? body : JSON.stringify(body) })
    last().onPosition(id)
  }
  return { connections, events, seen, last, send, stop }
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('useLiveEvents', () => {
  it('asks to load when it opens first, then hands events on', () => {
    const { events, seen, last, send } = setUp()
    events.start()
    expect(events.state.value).toBe('connecting')
    last().onOpen()
    expect(events.state.value).toBe('open')
    send('pass', { at: '', pass: aPass() }, '1')
    send('camera', { at: '', camera: aCamera(), deleted: true }, '2')
    expect(seen).toEqual(['load', 'p1', 'c1 removed'])
  })

  it('resumes after the last event when the server restarts', async () => {
    const { events, connections, seen, last, send } = setUp()
    events.start()
    last().onOpen()
    send('pass', { at: '', pass: aPass() }, '17')
    last().end()
    await settle()
    expect(events.state.value).toBe('waiting')
    expect(events.lostAt.value).not.toBeNull()
    await vi.advanceTimersByTimeAsync(1000)
    expect(connections).toHaveLength(2)
    expect(last().lastEventId).toBe('17')
    last().onOpen()
    expect(events.lostAt.value).toBeNull()
    expect(seen).toEqual(['load', 'p1', 'resumed'])
  })

  it('resumes where a quiet server said it stands', async () => {
    const { events, last } = setUp()
    events.start()
    last().onOpen()
    last().onPosition('41')
    last().end()
    await vi.advanceTimersByTimeAsync(1000)
    expect(last().lastEventId).toBe('41')
  })

  it('loads again when the server forgot what was missed', () => {
    const { events, seen, last, send } = setUp()
    events.start()
    last().onOpen()
    send('reset', {}, '90')
    expect(seen).toEqual(['load', 'load'])
  })

  it('gives up a connection that is silent for 30 s, but not one that pings', async () => {
    const { events, connections, last } = setUp()
    events.start()
    last().onOpen()
    for (let turn = 0; turn < 4; turn += 1) {
      await vi.advanceTimersByTimeAsync(15_000)
      last().onActivity()
    }
    expect(connections).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(connections[0]!.signal.aborted).toBe(true)
    expect(events.state.value).toBe('waiting')
    await vi.advanceTimersByTimeAsync(1000)
    expect(connections).toHaveLength(2)
  })

  it('gives up an attempt that never opens', async () => {
    const { events, connections } = setUp()
    events.start()
    await vi.advanceTimersByTimeAsync(31_000)
    expect(connections).toHaveLength(2)
  })

  it('waits longer each time, and as long as the server asks', async () => {
    const { events, connections, last } = setUp()
    events.start()
    last().fail(new RequestProblem({ status: 502 }))
    await vi.advanceTimersByTimeAsync(1000)
    last().fail(new RequestProblem({ status: 502 }))
    await vi.advanceTimersByTimeAsync(1999)
    expect(connections).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(connections).toHaveLength(3)
    last().fail(new RequestProblem({ status: 503 }, 20))
    await vi.advanceTimersByTimeAsync(19_999)
    expect(connections).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(1)
    expect(connections).toHaveLength(4)
  })

  it('comes back at once when the network does', async () => {
    const { events, connections, last } = setUp()
    events.start()
    last().fail(new RequestProblem({ status: 0 }))
    await settle()
    window.dispatchEvent(new Event('online'))
    expect(connections).toHaveLength(2)
  })

  it('outlives an event that cannot be read', () => {
    const { events, seen, last, send } = setUp()
    events.start()
    last().onOpen()
    send('pass', '{broken', '3')
    send('noise', {}, '4')
    send('pass', { at: '', pass: aPass() }, '5')
    expect(seen).toEqual(['load', 'p1'])
  })

  it('hears nothing more from a connection it gave up', async () => {
    const { events, connections, seen, last } = setUp()
    events.start()
    last().onOpen()
    await vi.advanceTimersByTimeAsync(32_000)
    connections[0]!.onMessage({ id: '9', event: 'pass', data: JSON.stringify({ at: '', pass: aPass() }) })
    expect(seen).toEqual(['load'])
  })

  it('stops with its page', async () => {
    const { events, connections, last, stop } = setUp()
    events.start()
    last().onOpen()
    stop()
    expect(connections[0]!.signal.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(connections).toHaveLength(1)
    expect(events.state.value).toBe('closed')
  })
})
