import { describe, expect, it, vi } from 'vitest'
import { snapshotAddress, streamAddress } from './address'
import { createAppendQueue, type FragmentSink } from './appendQueue'
import { createBackoff } from './backoff'
import { createFaceTimeline, type SeenFace } from './faceTimeline'
import { openHls, readPlaylist, readRefusal } from './hlsPieces'
import { createStreamClock } from './streamClock'
import { CHASE_RATE, createGapMeter, KEEP_S, planChase, RUSH_RATE, targetBehindS } from './chase'
import { readClose, readTicketRefusal } from './outcome'

describe('backoff', () => {
  it('doubles to its limit and starts again', () => {
    const backoff = createBackoff({ firstMs: 100, maxMs: 500, random: () => 1 })
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([100, 200, 400, 500, 500])
    backoff.reset()
    expect(backoff.next()).toBe(100)
  })

  it('is spread over half of each step', () => {
    expect(createBackoff({ firstMs: 100, random: () => 0 }).next()).toBe(50)
  })

  it('never grows beyond numbers', () => {
    const backoff = createBackoff({ maxMs: 1000 })
    for (let turn = 0; turn < 2000; turn += 1) expect(backoff.next()).toBeLessThanOrEqual(1000)
  })
})

describe('chasing the live edge', () => {
  const view = { currentTime: 9.8, start: 0, end: 10, playbackRate: 1, gapS: 0.04 }

  it('plays on when near', () => expect(planChase(view)).toEqual({ seekTo: null, rate: 1, trimTo: null }))
  it('plays a little faster when behind', () =>
    expect(planChase({ ...view, currentTime: 9.5 })).toMatchObject({ seekTo: null, rate: CHASE_RATE }))
  it('keeps the faster rate until the target is reached', () => {
    expect(planChase({ ...view, currentTime: 9.7, playbackRate: CHASE_RATE }).rate).toBe(CHASE_RATE)
    expect(planChase({ ...view, currentTime: 9.81, playbackRate: CHASE_RATE }).rate).toBe(1)
  })
  it('rushes when farther behind', () =>
    expect(planChase({ ...view, currentTime: 9.3 }).rate).toBe(RUSH_RATE))
  it('jumps when far behind', () => expect(planChase({ ...view, currentTime: 8 }).seekTo).toBeCloseTo(9.8))
  it('jumps less readily where jumping takes long', () => {
    const far = { ...view, currentTime: 8, jumpTookS: 1 }
    expect(planChase(far)).toMatchObject({ seekTo: null, rate: RUSH_RATE })
    expect(planChase({ ...far, currentTime: 6 }).seekTo).toBeCloseTo(9.8)
  })
  it('jumps into the buffer when the camera began elsewhere', () =>
    expect(planChase({ ...view, currentTime: 0, start: 500, end: 500.1 }).seekTo).toBe(500))
  it('jumps back when time ran backwards', () =>
    expect(planChase({ ...view, currentTime: 12 }).seekTo).toBeCloseTo(9.8))
  it('forgets the past in one go', () => {
    expect(planChase({ ...view, end: 2 * KEEP_S + 1, currentTime: 2 * KEEP_S + 0.8 }).trimTo).toBe(KEEP_S + 1)
    expect(planChase({ ...view, end: 2 * KEEP_S, currentTime: 2 * KEEP_S - 0.2 }).trimTo).toBeNull()
  })
  it('leaves slow cameras more room, but less than half a second', () => {
    expect(targetBehindS(0.04)).toBe(0.2)
    expect(targetBehindS(0.2)).toBeCloseTo(0.3)
    expect(targetBehindS(2)).toBeLessThan(0.5)
  })
  it('measures the time between fragments', () => {
    const meter = createGapMeter()
    for (let at = 0; at <= 10_000; at += 200) meter.mark(at)
    expect(meter.gapS).toBeCloseTo(0.2, 2)
  })
})

describe('chasing in pieces', () => {
  const view = { currentTime: 7, start: 0, end: 10, playbackRate: 1, gapS: 1 }
  it('plays on seconds behind', () =>
    expect(planChase(view, 'pieces')).toMatchObject({ seekTo: null, rate: 1 }))
  it('plays faster when far behind', () =>
    expect(planChase({ ...view, currentTime: 4 }, 'pieces').rate).toBe(CHASE_RATE))
  it('jumps when very far behind or outside', () => {
    expect(planChase({ ...view, end: 30 }, 'pieces').seekTo).toBe(27)
    expect(planChase({ ...view, currentTime: 0, start: 100, end: 102 }, 'pieces').seekTo).toBe(100)
  })
  it('waits for boxes, but less than half a second', () => {
    expect(targetBehindS(0.04, 0.35)).toBe(0.35)
    expect(targetBehindS(0.04, 2)).toBeLessThan(0.5)
  })
})

describe('how late the picture is', () => {
  it('is unknown before the first word', () => expect(createStreamClock().delayS(1, 0)).toBeNull())
  it('adds age, time since, and what is buffered', () => {
    const clock = createStreamClock()
    clock.hear({ at: 20, age: 0.05, said: 5 }, 1_000_000)
    expect(clock.delayS(19.7, 1_000_000)).toBeCloseTo(0.35)
    expect(clock.delayS(20.2, 1_000_500)).toBeCloseTo(0.35)
  })
  it('counts what waited on the way, whatever the clocks show', () => {
    const clock = createStreamClock()
    clock.hear({ at: 20, age: 0, said: 5 }, 900_000)
    clock.hear({ at: 21, age: 0, said: 6 }, 903_000)
    expect(clock.delayS(21, 903_000)).toBeCloseTo(2)
  })
})

describe('HLS playlists', () => {
  it('lists pieces by number', () =>
    expect(
      readPlaylist('#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-MAP:URI="b.mp4"\n#EXTINF:1,\n4.m4s\n5.m4s\n'),
    ).toEqual({
      begin: 'b.mp4',
      pieces: [
        { number: 4, address: '4.m4s' },
        { number: 5, address: '5.m4s' },
      ],
    }))
  it('reads an empty one', () => expect(readPlaylist('')).toEqual({ begin: null, pieces: [] }))
  it.each([
    [403, 'stop'],
    [409, 'snapshots'],
    [429, 'later'],
    [503, 'retry'],
    [404, 'retry'],
  ])('status %i: %s', (status, outcome) => expect(readRefusal(status).outcome).toBe(outcome))
})

describe('boxes beside HLS', () => {
  const seen: SeenFace = { box: [0.1, 0.2, 0.3, 0.4], state: 'with_mask', score: 0.9, state_score: 0.8 }

  function opened(wantsFaces: boolean, answer: () => Response) {
    const asked: string[] = []
    const heard: number[] = []
    const onEnd = vi.fn()
    const fetchData = (async (address: string) => {
      const url = new URL(address)
      const name = url.pathname.split('/').pop() ?? ''
      asked.push(name + url.search)
      if (name === 'faces.json') return answer()
      if (name === 'live.m3u8') return new Response('#EXTM3U\n#EXT-X-MAP:URI="begin.mp4"\n0.m4s\n')
      if (name === 'index.m3u8') return new Response('#EXTM3U\n#EXT-X-X:CODECS="avc1"\ns/live.m3u8\n')
      return new Response(new ArrayBuffer(8))
    }) as typeof fetch
    const hls = openHls({
      address: 'http://wall.example/live/index.m3u8',
      fetchData,
      onBegin: () => undefined,
      onPiece: () => undefined,
      wantsFaces: () => wantsFaces,
      onFaces: (at) => heard.push(at),
      onEnd,
    })
    return { asked, heard, onEnd, close: hls.close }
  }

  it('asks for what is newer than what it has', async () => {
    vi.useFakeTimers()
    const { asked, heard, close } = opened(true, () => Response.json([{ at: 3.2, faces: [seen] }]))
    await vi.advanceTimersByTimeAsync(1000)
    close()
    vi.useRealTimers()
    expect(heard).toEqual([3.2, 3.2])
    expect(asked.filter((one) => one.startsWith('faces'))).toEqual([
      'faces.json?after=-1',
      'faces.json?after=3.2',
    ])
  })
  it('plays on without them, and does not ask while nobody wants them', async () => {
    vi.useFakeTimers()
    const refused = opened(true, () => new Response(null, { status: 500 }))
    const unwanted = opened(false, () => Response.json([]))
    await vi.advanceTimersByTimeAsync(1000)
    refused.close()
    unwanted.close()
    vi.useRealTimers()
    expect(refused.onEnd).not.toHaveBeenCalled()
    expect(refused.asked.filter((one) => one === 'live.m3u8')).toHaveLength(2)
    expect(unwanted.asked).not.toContain('faces.json?after=-1')
  })
})

describe('boxes in step with the picture', () => {
  const face = (x: number, state: SeenFace['state'] = 'with_mask'): SeenFace => ({
    box: [x, 0.2, x + 0.1, 0.4],
    state,
    score: 0.9,
    state_score: 0.8,
  })
  const left = (faces: SeenFace[]) => faces.map((one) => Number(one.box[0].toFixed(3)))

  it('has none before the first', () => expect(createFaceTimeline().at(3)).toEqual([]))
  it('moves evenly from one analysed picture to the next', () => {
    const line = createFaceTimeline()
    line.hear(1, [face(0.1)], 1.2)
    line.hear(1.2, [face(0.14)], 1.4)
    expect(left(line.at(1.1))).toEqual([0.12])
    expect(line.at(0.9)).toEqual([])
  })
  it('goes on as it moved, for a moment, and then ends', () => {
    const line = createFaceTimeline()
    line.hear(1, [face(0.1)], 1)
    line.hear(1.2, [face(0.14)], 1.2)
    expect(left(line.at(1.4))).toEqual([0.18])
    expect(left(line.at(1.9))).toEqual([0.24])
    expect(line.at(3)).toEqual([])
  })
  it('ends with somebody who left', () => {
    const line = createFaceTimeline()
    line.hear(1, [face(0.1)], 1)
    line.hear(1.2, [], 1.2)
    expect(line.at(1.05)).toHaveLength(1)
    expect(line.at(1.15)).toEqual([])
    expect(line.at(1.3)).toEqual([])
  })
  it('does not drag a box from one person to another', () => {
    const line = createFaceTimeline()
    line.hear(1, [face(0.1)], 1)
    line.hear(1.2, [face(0.8)], 1.2)
    expect(left(line.at(1.05))).toEqual([0.1])
    expect(left(line.at(1.2))).toEqual([0.8])
  })
  it('stays while a quiet camera is analysed only now and then', () => {
    const line = createFaceTimeline()
    for (let at = 0; at <= 40; at += 4) line.hear(at, [face(0.1)], at)
    expect(line.at(43.5)).toHaveLength(1)
    expect(line.at(47)).toEqual([])
  })
  it('takes results in any order, twice as well', () => {
    const line = createFaceTimeline()
    line.hear(1.2, [face(0.14)], 1.4)
    line.hear(1, [face(0.1)], 1.4)
    line.hear(1, [face(0.1)], 1.4)
    expect(left(line.at(1.1))).toEqual([0.12])
  })
  it('knows how late results are', () => {
    const line = createFaceTimeline()
    for (let at = 0; at < 5; at += 0.2) line.hear(at, [], at + 0.3)
    expect(line.lateS).toBeCloseTo(0.3, 1)
  })
})

class Sink extends EventTarget implements FragmentSink {
  updating = false
  readonly done: string[] = []
  appendBuffer(data: BufferSource): void {
    if (this.updating) throw new Error('busy')
    this.updating = true
    this.done.push(`append ${data.byteLength}`)
  }
  remove(start: number, end: number): void {
    this.updating = true
    this.done.push(`remove ${start}-${end}`)
  }
  finish(): void {
    this.updating = false
    this.dispatchEvent(new Event('updateend'))
  }
}

describe('append queue', () => {
  const make = (maxBytes = 100) => {
    const sink = new Sink()
    const onOverflow = vi.fn()
    const onError = vi.fn()
    return { sink, onOverflow, onError, queue: createAppendQueue(sink, { maxBytes, onOverflow, onError }) }
  }
  const bytes = (length: number) => new ArrayBuffer(length)

  it('appends one at a time and joins what waited', () => {
    const { sink, queue } = make()
    queue.push(bytes(10))
    queue.push(bytes(20))
    queue.push(bytes(5))
    expect(sink.done).toEqual(['append 10'])
    sink.finish()
    expect(sink.done).toEqual(['append 10', 'append 25'])
  })

  it('removes the past between two fragments', () => {
    const { sink, queue } = make()
    queue.push(bytes(10))
    queue.trim(4)
    queue.push(bytes(10))
    sink.finish()
    sink.finish()
    expect(sink.done).toEqual(['append 10', 'remove 0-4', 'append 10'])
  })

  it('says when the page cannot keep up', () => {
    const { queue, onOverflow } = make(25)
    queue.push(bytes(10))
    queue.push(bytes(20))
    expect(onOverflow).not.toHaveBeenCalled()
    queue.push(bytes(20))
    expect(onOverflow).toHaveBeenCalledOnce()
  })

  it('reports what the buffer refuses', () => {
    const { sink, queue, onError } = make()
    sink.appendBuffer = () => {
      throw new Error('quota')
    }
    queue.push(bytes(1))
    expect(onError).toHaveBeenCalledOnce()
  })

  it('is quiet after closing', () => {
    const { sink, queue } = make()
    queue.push(bytes(10))
    queue.close()
    queue.push(bytes(10))
    sink.finish()
    expect(sink.done).toEqual(['append 10'])
  })
})

describe('addresses', () => {
  it('opens the stream on this origin, with a ticket', () => {
    expect(streamAddress('/live/cameras/c/stream', 'T', 'https://wall.example')).toBe(
      'wss://wall.example/live/cameras/c/stream?ticket=T',
    )
    expect(streamAddress('/live/cameras/c/stream?ticket=A', 'T', 'http://wall.example')).toBe(
      'ws://wall.example/live/cameras/c/stream?ticket=A',
    )
  })
  it('asks for a new still picture each time', () => {
    expect(snapshotAddress('/live/s.jpg?ticket=A', 'T', 3, 'http://wall.example')).toBe(
      'http://wall.example/live/s.jpg?ticket=A&turn=3',
    )
  })
})

describe('endings', () => {
  it.each([
    [4401, 'retry', 'network'],
    [4403, 'stop', 'denied'],
    [4404, 'stop', 'gone'],
    [4415, 'snapshots', 'codec'],
    [4429, 'later', 'busy'],
    [1012, 'retry_now', 'restart'],
    [1013, 'retry', 'slow'],
    [1006, 'retry', 'network'],
  ])('close code %i: %s because %s', (code, outcome, reason) =>
    expect(readClose(code)).toEqual({ outcome, reason }),
  )
  it.each([
    [403, 'stop'],
    [404, 'stop'],
    [503, 'retry'],
    [0, 'retry'],
  ])('a ticket refused with %i: %s', (status, outcome) =>
    expect(readTicketRefusal(status).outcome).toBe(outcome),
  )
})
