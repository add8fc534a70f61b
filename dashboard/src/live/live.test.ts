import { describe, expect, it, vi } from 'vitest'
import { snapshotAddress, streamAddress } from './address'
import { createAppendQueue, type FragmentSink } from './appendQueue'
import { createBackoff } from './backoff'
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
