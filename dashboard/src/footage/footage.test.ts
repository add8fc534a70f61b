import { describe, expect, it } from 'vitest'
import type { FootageBoxes } from '@/api/types'
import { createFormat } from '@/format'
import { facesAt, frameBefore } from './boxes'
import { codecName } from './playable'
import { gapsOf, HOUR_MS, lastWhere, placed, spanAt, ticksOf, windowAround } from './timeline'

const face = (x: number, state: 'with_mask' | 'without_mask' = 'without_mask') => ({
  box: { x0: x, y0: 0.4, x1: x + 0.1, y1: 0.6 },
  score: 0.9,
  state,
  state_score: 0.95,
})
const frames: FootageBoxes['frames'] = [
  { t: 1, faces: [face(0.1), face(0.7, 'with_mask')] },
  { t: 1.2, faces: [face(0.71, 'with_mask'), face(0.12)] },
  { t: 1.4, faces: [] },
  { t: 9, faces: [face(0.3)] },
]

describe('boxes in step', () => {
  it.each([
    [0, -1],
    [1, 0],
    [1.3, 1],
    [99, 3],
  ])('the look before %f s is number %i', (t, index) => expect(frameBefore(frames, t)).toBe(index))

  it('shows none before the first look', () => expect(facesAt(frames, 0.5)).toEqual([]))

  it('moves each face evenly to its own next place, whatever the order', () => {
    const [first, second] = facesAt(frames, 1.08)
    expect(first?.box.x0).toBeCloseTo(0.11, 3)
    expect(second?.box.x0).toBeCloseTo(0.705, 3)
    expect(second?.state).toBe('with_mask')
  })

  it('forgets a face when it was not seen again', () => {
    expect(facesAt(frames, 1.45)).toEqual([])
    expect(facesAt(frames, 9.3)).toHaveLength(1)
    expect(facesAt(frames, 9.9)).toEqual([])
  })

  it('keeps the place of a face that the next look does not have', () =>
    expect(facesAt(frames, 1.3)[1]?.box.x0).toBeCloseTo(0.12, 3))
})

describe('timeline', () => {
  const day = { start: 0, end: 24 * HOUR_MS }

  it('puts about as many ticks as wanted on whole hours or minutes', () => {
    expect(ticksOf(day, 0, 8).map((at) => at / HOUR_MS)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24])
    const hour = { start: 8.5 * HOUR_MS, end: 9.5 * HOUR_MS }
    expect(ticksOf(hour, 0, 8).every((at) => at % (10 * 60_000) === 0)).toBe(true)
  })

  it('counts ticks from midnight, also where that is no whole hour of the world', () => {
    const midnight = 30 * 60_000
    expect(ticksOf({ start: midnight, end: midnight + HOUR_MS }, midnight, 2)[0]).toBe(midnight)
  })

  it.each([
    [12, 11.5, 12.5],
    [0.1, 0, 1],
    [23.9, 23, 24],
  ])('a window of an hour around %f lies within the day', (at, start, end) =>
    expect(windowAround(at * HOUR_MS, HOUR_MS, day)).toEqual({ start: start * HOUR_MS, end: end * HOUR_MS }),
  )

  it('is never wider than the day', () => expect(windowAround(0, 99 * HOUR_MS, day)).toEqual(day))

  it('places what is visible only', () => {
    expect(placed({ start: -5, end: 6 * HOUR_MS }, day)).toEqual({ left: 0, width: 25 })
    expect(placed({ start: -5, end: -1 }, day)).toBeNull()
  })

  it('knows what is there and what is missing', () => {
    const spans = [
      { start: 10, end: 20 },
      { start: 30, end: 40 },
    ]
    expect(spanAt(spans, 15)).toBe(spans[0])
    expect(spanAt(spans, 20)).toBeUndefined()
    expect(gapsOf(spans, { start: 0, end: 35 })).toEqual([
      { start: 0, end: 10 },
      { start: 20, end: 30 },
    ])
    expect(gapsOf([], { start: 0, end: 5 })).toEqual([{ start: 0, end: 5 }])
    expect(lastWhere(spans, (span) => span.start < 30)).toBe(spans[0])
    expect(lastWhere(spans, () => false)).toBeUndefined()
  })
})

describe('names', () => {
  it.each([
    ['video/mp4; codecs="avc1.640028"', 'H.264'],
    ['video/mp4; codecs="hvc1.1.6.L93.90"', 'H.265'],
    ['video/mp4', ''],
  ])('%s is %s', (mime, name) => expect(codecName(mime)).toBe(name))

  it.each([
    [0, '0 byte'],
    [999, '999 byte'],
    [1_850_000, '1.9 MB'],
    [20_000_000_000, '20 GB'],
    [999_600, '1 MB'],
    [1234e12, '1,230 TB'],
  ])('%d bytes read %s', (bytes, text) => expect(createFormat('en').bytes(bytes)).toBe(text))
})
