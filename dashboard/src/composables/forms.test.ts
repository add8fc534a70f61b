import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RequestProblem } from '@/api/problem'
import type { Examination, Detections, StageFinding } from '@/api/types'
import type { OnFinding } from '@/api/doctor'
import { inScope, settle } from '@/testing/mounting'
import { useDoctor } from './useDoctor'
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

describe('useDoctor', () => {
  const name = { zh: '连接', en: 'Connection' }
  const good = { ok: true, findings: [{ stage: 'connect', name, status: 'ok' }] } as Examination

  it('shows the stages as they come, and counts the seconds', async () => {
    let finish: (value: Examination) => void = () => undefined
    let tell: OnFinding = () => undefined
    const { value: doctoring } = inScope(() => useDoctor())
    void doctoring.run('rtsp://camera', (onFinding) => {
      tell = onFinding
      return new Promise((resolve) => (finish = resolve))
    })
    tell({ stage: 'resolve', name, status: 'running', took_ms: 0 } as StageFinding)
    tell({ stage: 'resolve', name, status: 'ok', took_ms: 3 } as StageFinding)
    tell({ stage: 'connect', name, status: 'running', took_ms: 0 } as StageFinding)
    await vi.advanceTimersByTimeAsync(3100)
    expect(doctoring.findings.value.map((one) => `${one.stage} ${one.status}`)).toEqual([
      'resolve ok',
      'connect running',
    ])
    expect(doctoring.elapsedS.value).toBe(3)
    finish(good)
    await settle()
    expect(doctoring.running.value).toBe(false)
    expect(doctoring.report.value).toBe(good)
    expect(doctoring.findings.value).toEqual(good.findings)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells a failed call from a failed camera, and can be cancelled', async () => {
    const { value: doctoring } = inScope(() => useDoctor())
    await doctoring.run('rtsp://camera', () => Promise.reject(new Error('away')))
    expect(doctoring.error.value).toBeInstanceOf(Error)
    let tell: OnFinding = () => undefined
    void doctoring.run('rtsp://camera', (onFinding) => {
      tell = onFinding
      return new Promise(() => undefined)
    })
    tell({ stage: 'resolve', name, status: 'running', took_ms: 0 } as StageFinding)
    doctoring.cancel()
    await settle()
    expect(doctoring.error.value).toBeNull()
    expect(doctoring.running.value).toBe(false)
    expect(doctoring.findings.value).toEqual([])
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
