import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RequestProblem } from '@/api/problem'
import type { CameraTest, Detections } from '@/api/types'
import { inScope, settle } from '@/testing/mounting'
import { useCameraTest } from './useCameraTest'
import { useCountdown } from './useCountdown'
import { usePhotoCheck } from './usePhotoCheck'
import { arrange } from './useWallLayout'

const answer: Detections = { width: 10, height: 10, model: 'mask', elapsed_ms: 3, boxes: [] }
const photo = (bytes = 10, type = 'image/jpeg') => {
  const file = new File(['x'], 'photo.jpg', { type })
  Object.defineProperty(file, 'size', { value: bytes })
  return file
}

beforeEach(() => {
  vi.useFakeTimers()
  URL.createObjectURL = () => 'blob:fake'
  URL.revokeObjectURL = () => undefined
})
afterEach(() => vi.useRealTimers())

describe('usePhotoCheck', () => {
  it('shows progress, then the answer', async () => {
    const states: string[] = []
    const { value: check } = inScope(() =>
      usePhotoCheck({
        send: async (_image, { onProgress }) => {
          onProgress?.(0.5)
          states.push(check.state.value)
          onProgress?.(1)
          states.push(check.state.value)
          return answer
        },
      }),
    )
    await check.check(photo())
    expect(states).toEqual(['sending', 'analysing'])
    expect(check.state.value).toBe('done')
    expect(check.result.value).toBe(answer)
  })

  it.each([
    ['no picture at all', photo(10, 'application/pdf'), null, 'notImage'],
    ['too large to send', photo(21 * 1024 * 1024), null, 'tooLarge'],
    ['refused as too large', photo(), { status: 413 }, 'tooLarge'],
    [
      'a pixel bomb',
      photo(),
      { status: 422, detail: 'image: expected at most 40 million pixels' },
      'tooManyPixels',
    ],
    ['damaged', photo(), { status: 422, detail: 'image: cannot be decoded' }, 'unreadable'],
    ['another format', photo(), { status: 415 }, 'notImage'],
    ['nobody analyses now', photo(), { status: 503 }, 'busy'],
    ['server away', photo(), { status: 0 }, 'other'],
  ])('says why: %s', async (_name, image, problem, fault) => {
    const send = vi.fn(async () => {
      if (problem) throw new RequestProblem(problem)
      return answer
    })
    const { value: check } = inScope(() => usePhotoCheck({ send }))
    await check.check(image)
    expect(check.state.value).toBe('failed')
    expect(check.fault.value).toBe(fault)
    expect(send).toHaveBeenCalledTimes(problem ? 1 : 0)
  })

  it('forgets the answer for a photo that was replaced', async () => {
    const waiting: ((value: Detections) => void)[] = []
    const { value: check } = inScope(() =>
      usePhotoCheck({ send: () => new Promise((resolve) => waiting.push(resolve)) }),
    )
    void check.check(photo())
    void check.check(photo())
    waiting[0]?.({ ...answer, width: 1 })
    await settle()
    expect(check.result.value).toBeNull()
    waiting[1]?.({ ...answer, width: 2 })
    await settle()
    expect(check.result.value?.width).toBe(2)
  })
})

describe('useCameraTest', () => {
  const good = { ok: true } as CameraTest

  it('counts the seconds while it runs', async () => {
    let finish: (value: CameraTest) => void = () => undefined
    const { value: testing } = inScope(() =>
      useCameraTest({ run: () => new Promise((resolve) => (finish = resolve)) }),
    )
    void testing.test('rtsp://camera')
    await vi.advanceTimersByTimeAsync(3100)
    expect(testing.elapsedS.value).toBe(3)
    expect(testing.running.value).toBe(true)
    finish(good)
    await settle()
    expect(testing.running.value).toBe(false)
    expect(testing.result.value).toBe(good)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells a failed call from a failed camera, and can be cancelled', async () => {
    const { value: testing } = inScope(() => useCameraTest({ run: () => Promise.reject(new Error('away')) }))
    await testing.test('rtsp://camera')
    expect(testing.error.value).toBeInstanceOf(Error)
    void testing.test('rtsp://camera')
    testing.cancel()
    await settle()
    expect(testing.error.value).toBeNull()
    expect(testing.running.value).toBe(false)
  })
})

describe('useCountdown', () => {
  it('counts to zero and stops', () => {
    const { value: wait } = inScope(() => useCountdown())
    wait.start(2)
    expect(wait.seconds.value).toBe(2)
    vi.advanceTimersByTime(1000)
    expect(wait.seconds.value).toBe(1)
    vi.advanceTimersByTime(1500)
    expect(wait.seconds.value).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('layout of the wall', () => {
  it.each([
    [0, 1, 1],
    [1, 1, 1],
    [2, 2, 1],
    [3, 2, 2],
    [4, 2, 2],
    [5, 3, 2],
    [6, 3, 2],
    [7, 3, 3],
    [9, 3, 3],
    [30, 3, 3],
  ])('%i cameras: %i by %i', (cameras, columns, rows) =>
    expect(arrange(cameras, 'auto')).toMatchObject({ columns, rows }),
  )
  it('follows the choice', () => expect(arrange(2, 9)).toEqual({ columns: 3, rows: 3, slots: 9 }))
})
