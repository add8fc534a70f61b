import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { shallowRef } from 'vue'
import { RequestProblem } from '@/api/problem'
import { createBackoff } from '@/live/backoff'
import type { SeenFace } from '@/live/faceTimeline'
import { inScope, settle } from '@/testing/mounting'
import { useLivePlayer, type LivePlayerOptions } from './useLivePlayer'

class FakeSocket {
  binaryType = ''
  closed = false
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  constructor(readonly address: string) {}
  close(): void {
    this.closed = true
  }
  say(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  end(code: number): void {
    this.onclose?.({ code })
  }
}

class FakeSource extends EventTarget {
  static supported = true
  static newest: FakeSource | null = null
  constructor() {
    super()
    FakeSource.newest = this
  }
  static isTypeSupported(): boolean {
    return FakeSource.supported
  }
  addSourceBuffer(): unknown {
    return Object.assign(new EventTarget(), { updating: false, appendBuffer() {}, remove() {}, mode: '' })
  }
}

const FACE: SeenFace = { box: [0.1, 0.1, 0.2, 0.2], state: 'with_mask', score: 0.9, state_score: 0.8 }

function setUp(
  change: Partial<LivePlayerOptions> = {},
  prepare: (element: HTMLVideoElement) => void = () => undefined,
) {
  const sockets: FakeSocket[] = []
  const video = document.createElement('video')
  video.canPlayType = () => ''
  prepare(video)
  video.play = () => Promise.resolve()
  video.load = () => undefined
  const active = shallowRef(true)
  const { value: player, stop } = inScope(() =>
    useLivePlayer({
      video: shallowRef(video),
      cameraId: shallowRef('c1'),
      active,
      ticket: async () => ({
        ticket: 'T',
        expires_in: 60,
        stream_url: '/live/c1',
        snapshot_url: '/live/c1.jpg',
        mjpeg_url: '/live/c1.mjpeg',
        flv_url: '/live/c1.flv',
        hls_url: '/live/c1.m3u8',
      }),
      openSocket: (address) => {
        const socket = new FakeSocket(address)
        sockets.push(socket)
        return socket as unknown as WebSocket
      },
      mediaSource: FakeSource as unknown as typeof MediaSource,
      backoff: createBackoff({ firstMs: 1000, random: () => 1 }),
      ...change,
    }),
  )
  const last = () => sockets[sockets.length - 1]!
  const play = () => {
    last().say({ type: 'format', mime: 'video/mp4; codecs="avc1.64001f"', converted: true })
    video.dispatchEvent(new Event('playing'))
  }
  return { player, sockets, last, play, video, active, stop }
}

beforeEach(() => {
  vi.useFakeTimers()
  FakeSource.supported = true
  URL.createObjectURL = () => 'blob:fake'
  URL.revokeObjectURL = () => undefined
})
afterEach(() => vi.useRealTimers())

describe('useLivePlayer', () => {
  it('opens the stream with its ticket and plays', async () => {
    const { player, last, play } = setUp()
    expect(player.mode.value).toBe('connecting')
    await settle()
    expect(last().address).toContain('/live/c1?ticket=T')
    play()
    expect(player.mode.value).toBe('live')
    expect(player.reason.value).toBeNull()
  })

  it('falls back with a reason when the browser has neither media source nor HLS', async () => {
    const { player, sockets } = setUp({ mediaSource: null })
    await settle()
    expect(player.mode.value).toBe('snapshots')
    expect(player.reason.value).toBe('no_mse')
    expect(sockets).toHaveLength(0)
  })

  it('falls back for good when the codec cannot play', async () => {
    FakeSource.supported = false
    const { player, sockets, last } = setUp()
    await settle()
    last().say({ type: 'format', mime: 'video/mp4; codecs="hvc1"' })
    expect(player.mode.value).toBe('snapshots')
    expect(player.reason.value).toBe('codec')
    expect(last().closed).toBe(true)
    await vi.advanceTimersByTimeAsync(300_000)
    expect(sockets).toHaveLength(1)
  })

  it('falls back after three failures, goes on trying, and returns to the moving picture', async () => {
    const { player, sockets, last, play } = setUp()
    for (const wait of [1000, 2000]) {
      await settle()
      play()
      last().end(1006)
      expect(player.mode.value).toBe('connecting')
      await vi.advanceTimersByTimeAsync(wait)
    }
    play()
    last().end(1006)
    expect(player.mode.value).toBe('snapshots')
    expect(player.reason.value).toBe('network')
    await vi.advanceTimersByTimeAsync(4000)
    expect(sockets).toHaveLength(4)
    expect(player.mode.value).toBe('snapshots')
    play()
    expect(player.mode.value).toBe('live')
  })

  it('does not count failures after a long steady picture', async () => {
    const { player, last, play } = setUp()
    for (let turn = 0; turn < 6; turn += 1) {
      await settle()
      play()
      for (let second = 0; second < 25; second += 1) {
        last().say({ type: 'note' })
        await vi.advanceTimersByTimeAsync(1000)
      }
      last().end(1006)
      expect(player.mode.value).toBe('connecting')
      await vi.advanceTimersByTimeAsync(1000)
    }
  })

  it('stops when the right was withdrawn', async () => {
    const { player, sockets, last } = setUp()
    await settle()
    last().end(4403)
    expect(player.mode.value).toBe('stopped')
    expect(player.reason.value).toBe('denied')
    await vi.advanceTimersByTimeAsync(300_000)
    expect(sockets).toHaveLength(1)
  })

  it('plays HLS itself when the browser has no media source but HLS', async () => {
    const { player, sockets, video } = setUp({ mediaSource: null }, (element) => {
      element.canPlayType = () => 'maybe'
    })
    await settle()
    expect(video.getAttribute('src')).toContain('/live/c1.m3u8?ticket=T')
    video.dispatchEvent(new Event('playing'))
    expect(player.mode.value).toBe('live')
    expect(player.transport.value).toBe('hls')
    expect(sockets).toHaveLength(0)
  })

  it('takes HLS where no WebSocket gets through, and the WebSocket again after a while', async () => {
    const asked: string[] = []
    const texts: Record<string, string> = {
      'c1.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f"\ns/live.m3u8\n',
    }
    let first = 6
    const playlist = () => {
      first += 1
      const pieces = [first, first + 1, first + 2].map((number) => `${number}.m4s\n`).join('')
      return `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-MAP:URI="begin.mp4"\n${pieces}`
    }
    const fetchData = (async (address: string) => {
      const name = new URL(address).pathname.split('/').pop() ?? ''
      asked.push(name)
      return new Response(name === 'live.m3u8' ? playlist() : (texts[name] ?? new ArrayBuffer(8)))
    }) as typeof fetch
    const { player, sockets, last, video } = setUp({ fetchData })
    for (const wait of [1000, 2000]) {
      await settle()
      last().end(1006)
      await vi.advanceTimersByTimeAsync(wait)
    }
    expect(player.transport.value).toBe('hls')
    expect(asked).toEqual(['c1.m3u8', 'live.m3u8', 'begin.mp4', '8.m4s', '9.m4s'])
    video.dispatchEvent(new Event('playing'))
    expect(player.mode.value).toBe('live')
    expect(sockets).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(sockets).toHaveLength(3)
    expect(player.transport.value).toBe('socket')
  })

  it('shows still pictures while the server is busy, and asks again', async () => {
    const { player, sockets, last } = setUp()
    await settle()
    last().end(4429)
    expect(player.mode.value).toBe('snapshots')
    expect(player.reason.value).toBe('busy')
    await vi.advanceTimersByTimeAsync(15_000)
    expect(sockets).toHaveLength(2)
  })

  it('says what the picture is and how late', async () => {
    const { player, last, play, video } = setUp()
    await settle()
    Object.defineProperty(video, 'buffered', {
      value: { length: 1, start: () => 10, end: () => 12 },
    })
    Object.defineProperty(video, 'currentTime', { value: 11.8, writable: true })
    play()
    FakeSource.newest?.dispatchEvent(new Event('sourceopen'))
    expect(player.kind.value).toEqual({ converted: true, masked: false, unmasked: false })
    last().say({ type: 'clock', at: 12, age: 0.05, said: 100 })
    await vi.advanceTimersByTimeAsync(200)
    expect(player.delayS.value).toBeCloseTo(0.45, 1)
    last().say({ type: 'faces', at: 11.8, faces: [FACE] })
    expect(player.faces.at(11.8)).toEqual([FACE])
    last().end(1006)
    expect(player.faces.at(11.8)).toEqual([])
  })

  it('returns at once after sleep', async () => {
    const { sockets, play } = setUp()
    await settle()
    play()
    vi.setSystemTime(Date.now() + 60_000)
    await vi.advanceTimersByTimeAsync(2000)
    expect(sockets).toHaveLength(2)
  })

  it('says that this machine is offline, and returns when it is not', async () => {
    const { player, sockets, last } = setUp()
    await settle()
    const online = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
    for (let turn = 0; turn < 4; turn += 1) {
      last().end(1006)
      await vi.advanceTimersByTimeAsync(8000)
    }
    last().end(1006)
    expect(player.reason.value).toBe('offline')
    expect(player.transport.value).toBe('socket')
    const before = sockets.length
    online.mockReturnValue(true)
    window.dispatchEvent(new Event('online'))
    await settle()
    expect(sockets).toHaveLength(before + 1)
    expect(player.mode.value).toBe('connecting')
  })

  it('returns within half a second after a planned restart', async () => {
    const { sockets, last } = setUp()
    await settle()
    last().end(1012)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
  })

  it('says that it is the camera, when the server says so', async () => {
    const { player, last } = setUp()
    await settle()
    last().say({ type: 'error', reason: 'no_picture', detail: 'the camera gives no picture now' })
    last().end(1012)
    expect(player.reason.value).toBe('camera')
  })

  it('gives up a connection on which nothing arrives', async () => {
    const { player, last } = setUp({ silenceMs: 5000 })
    await settle()
    const first = last()
    await vi.advanceTimersByTimeAsync(5000)
    expect(first.closed).toBe(true)
    expect(player.reason.value).toBe('silent')
  })

  it('tries again when the ticket cannot be had, stops when it is refused', async () => {
    let status = 503
    const { player, sockets } = setUp({
      ticket: () => Promise.reject(new RequestProblem({ status })),
    })
    await settle()
    expect(player.mode.value).toBe('connecting')
    status = 404
    await vi.advanceTimersByTimeAsync(1000)
    expect(player.mode.value).toBe('stopped')
    expect(player.reason.value).toBe('gone')
    expect(sockets).toHaveLength(0)
  })

  it('asks for a click when the browser wants one', async () => {
    const { player, video, last } = setUp()
    video.play = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    await settle()
    last().say({ type: 'format', mime: 'video/mp4' })
    await settle()
    expect(player.needsGesture.value).toBe(true)
    video.play = () => Promise.resolve()
    player.resume()
    await settle()
    expect(player.needsGesture.value).toBe(false)
  })

  it('is quiet while inactive', async () => {
    const { player, sockets, active, last } = setUp()
    await settle()
    active.value = false
    await settle()
    expect(player.mode.value).toBe('idle')
    expect(last().closed).toBe(true)
    active.value = true
    await settle()
    expect(sockets).toHaveLength(2)
  })

  it('leaves nothing running', async () => {
    const { stop, last, sockets } = setUp()
    await settle()
    stop()
    expect(last().closed).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
