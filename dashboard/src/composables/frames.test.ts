import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { shallowRef } from 'vue'
import type { ArchivedFrame, FrameBatch, FrameBatchDetail, FrameQuery } from '@/api/types'
import { inScope, settle } from '@/testing/mounting'
import { useBatchFrames } from './useBatchFrames'
import { useFrameBatches } from './useFrameBatches'

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 8, 0, second)).toISOString()

const aBatch = (change: Partial<FrameBatchDetail> = {}): FrameBatchDetail => ({
  batch_id: 'b1',
  source: 'camera',
  source_id: 'c1',
  camera_name: 'Gate',
  state: 'done',
  stopping: false,
  expected: 3,
  stored: 3,
  failed: 0,
  every_s: 1,
  side: null,
  started_at: at(0),
  ended_at: at(3),
  bytes: 1,
  took_ms_mean: 12,
  took_ms_max: 20,
  ...change,
})

const aFrame = (seq: number, change: Partial<ArchivedFrame> = {}): ArchivedFrame => ({
  seq,
  captured_at: at(seq),
  state: 'stored',
  url: `/api/v1/frame-batches/b1/frames/${seq}.jpg?ticket=t`,
  bytes: 1,
  attempts: 1,
  took_ms: 12,
  reason: null,
  detail: null,
  ...change,
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('useFrameBatches', () => {
  const open = (answers: FrameBatch[][], options: { active?: boolean } = {}) => {
    const list = vi.fn(async () => ({ items: answers.shift() ?? [], next: null }))
    const active = shallowRef(options.active ?? true)
    return { list, active, ...inScope(() => useFrameBatches({ filter: shallowRef({}), active, list })) }
  }

  it('asks again while one runs, and no more when it has ended', async () => {
    const running = aBatch({ state: 'running', stored: 1, ended_at: null })
    const { value, list, stop } = open([[running], [{ ...running, stored: 2 }], [aBatch()]])
    await settle()
    await vi.advanceTimersByTimeAsync(2000)
    expect(value.items.value[0]?.stored).toBe(2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(value.items.value[0]?.state).toBe('done')
    expect(list).toHaveBeenCalledTimes(3)
    stop()
  })

  it('asks nothing while nobody looks', async () => {
    const { list, active, stop } = open([[aBatch({ state: 'running' })], []])
    await settle()
    active.value = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(list).toHaveBeenCalledOnce()
    stop()
  })

  it('shows a batch that was just started on top', async () => {
    const { value, stop } = open([[aBatch()]])
    await settle()
    value.merge([aBatch({ batch_id: 'b2', started_at: at(9) })])
    expect(value.items.value.map((batch) => batch.batch_id)).toEqual(['b2', 'b1'])
    stop()
  })

  it('says that it could not load, and keeps what it has when a later answer fails', async () => {
    let works = false
    const list = async () => {
      if (!works) throw new Error('away')
      return { items: [aBatch({ state: 'running' })], next: null }
    }
    const { value, stop } = inScope(() => useFrameBatches({ filter: shallowRef({}), list }))
    await settle()
    expect(value.state.value).toBe('failed')
    works = true
    await value.reload()
    works = false
    await vi.advanceTimersByTimeAsync(2000)
    expect(value.items.value).toHaveLength(1)
    expect(value.error.value).not.toBeNull()
    stop()
  })
})

describe('useBatchFrames', () => {
  it('shows frames in order, whatever order they were settled in', async () => {
    const batch = shallowRef(aBatch({ state: 'running', stored: 2 }))
    let frames = [aFrame(0), aFrame(2)]
    const list = vi.fn(async (_id: string, query: FrameQuery) => ({
      items: frames.filter((frame) => frame.seq > (query.after ?? -1)),
      next: null,
    }))
    const { value, stop } = inScope(() =>
      useBatchFrames({
        batchId: shallowRef('b1'),
        failedOnly: shallowRef(false),
        fetch: async () => batch.value,
        list,
      }),
    )
    await settle()
    expect(value.frames.value.map((frame) => frame.seq)).toEqual([0, 2])
    frames = [aFrame(0), aFrame(1), aFrame(2), aFrame(3)]
    batch.value = aBatch()
    await vi.advanceTimersByTimeAsync(2000)
    expect(value.frames.value.map((frame) => frame.seq)).toEqual([0, 1, 2, 3])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(list).toHaveBeenCalledTimes(2)
    stop()
  })

  it('goes on page by page, and asks for failed ones only', async () => {
    const failedOnly = shallowRef(false)
    const all = [0, 1, 2].map((seq) => aFrame(seq, seq === 1 ? { state: 'failed', url: null } : {}))
    const list = async (_id: string, query: FrameQuery) => {
      const found = all.filter((frame) => frame.seq > (query.after ?? -1))
      const wanted = found.filter((frame) => query.state === undefined || frame.state === query.state)
      const items = wanted.slice(0, 2)
      return { items, next: wanted.length > 2 ? (items[1]?.seq ?? null) : null }
    }
    const { value, stop } = inScope(() =>
      useBatchFrames({ batchId: shallowRef('b1'), failedOnly, fetch: async () => aBatch(), list }),
    )
    await settle()
    expect(value.hasMore.value).toBe(true)
    await value.loadMore()
    expect(value.frames.value.map((frame) => frame.seq)).toEqual([0, 1, 2])
    expect(value.hasMore.value).toBe(false)
    failedOnly.value = true
    await settle()
    expect(value.frames.value.map((frame) => frame.seq)).toEqual([1])
    stop()
  })

  it('forgets what is on its way when another batch is opened', async () => {
    const batchId = shallowRef<string | null>('slow')
    const fetch = vi.fn(async (id: string, signal: AbortSignal) => {
      if (id === 'slow') await new Promise((done) => setTimeout(done, 1000))
      signal.throwIfAborted()
      return aBatch({ batch_id: id })
    })
    const { value, stop } = inScope(() =>
      useBatchFrames({
        batchId,
        failedOnly: shallowRef(false),
        fetch,
        list: async () => ({ items: [aFrame(0)], next: null }),
      }),
    )
    batchId.value = 'quick'
    await vi.advanceTimersByTimeAsync(2000)
    expect(value.batch.value?.batch_id).toBe('quick')
    batchId.value = null
    await settle()
    expect(value.state.value).toBe('idle')
    expect(value.frames.value).toEqual([])
    stop()
  })
})
