import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { shallowRef } from 'vue'
import type { Page, Pass, PassQuery } from '@/api/types'
import { startOfDay } from '@/format'
import { inScope, settle } from '@/testing/mounting'
import { aPass } from '@/testing/samples'
import type { LiveEvents, LiveEventsHandlers } from './useLiveEvents'
import { usePassAlerts } from './usePassAlerts'
import { usePassFeed } from './usePassFeed'
import { usePassHistory } from './usePassHistory'
import { hoursOfDay, useTodayCounters } from './useTodayCounters'

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 8, 0, second)).toISOString()
const ids = (passes: readonly Pass[]) => passes.map((pass) => pass.pass_id)

describe('usePassFeed', () => {
  it('shows a pass once, however often it comes', async () => {
    const { value: feed } = inScope(() => usePassFeed({ list: async () => ({ items: [aPass()] }) }))
    feed.put(aPass())
    await feed.reload()
    feed.put(aPass({ last_seen_at: at(5) }))
    feed.put(aPass({ closed_at: at(6), last_seen_at: at(6) }))
    expect(ids(feed.passes.value)).toEqual(['p1'])
    expect(feed.passes.value[0]?.closed_at).toBe(at(6))
  })

  it('does not open a closed pass again when reports come in the wrong order', () => {
    const { value: feed } = inScope(() => usePassFeed({ list: async () => ({ items: [] }) }))
    feed.put(aPass({ closed_at: at(6), last_seen_at: at(6) }))
    feed.put(aPass())
    expect(feed.passes.value[0]?.closed_at).toBe(at(6))
  })

  it('keeps the newest first and no more than it should', () => {
    const { value: feed } = inScope(() => usePassFeed({ size: 3, list: async () => ({ items: [] }) }))
    for (const second of [3, 1, 5, 2, 4]) feed.put(aPass({ pass_id: `p${second}`, opened_at: at(second) }))
    expect(ids(feed.passes.value)).toEqual(['p5', 'p4', 'p3'])
  })

  it('tells of new passes, not of loaded, closed or known ones', async () => {
    const onNew = vi.fn()
    const { value: feed } = inScope(() => usePassFeed({ onNew, list: async () => ({ items: [aPass()] }) }))
    await feed.reload()
    feed.put(aPass())
    feed.put(aPass({ pass_id: 'old', closed_at: at(9) }))
    expect(onNew).not.toHaveBeenCalled()
    feed.put(aPass({ pass_id: 'new' }))
    expect(onNew).toHaveBeenCalledOnce()
  })

  it('fails visibly the first time, and keeps what it has later', async () => {
    let works = false
    const list = async () => {
      if (!works) throw new Error('away')
      return { items: [aPass()] }
    }
    const { value: feed } = inScope(() => usePassFeed({ list }))
    await feed.reload()
    expect(feed.state.value).toBe('failed')
    works = true
    await feed.reload()
    works = false
    await feed.reload()
    expect(feed.state.value).toBe('ready')
    expect(ids(feed.passes.value)).toEqual(['p1'])
  })
})

describe('usePassFeed with live events', () => {
  /** A feed on a stream that the test drives. */
  function live(list: () => Promise<Page<Pass>>) {
    const handlers = new Set<LiveEventsHandlers>()
    const subscribe = (each: LiveEventsHandlers) => {
      handlers.add(each)
      return () => handlers.delete(each)
    }
    const events = { subscribe } as unknown as LiveEvents
    const { value: feed, stop } = inScope(() => usePassFeed({ list }), events)
    const ready = (resumed: boolean) => handlers.forEach((each) => each.onReady?.(resumed))
    const pass = (change: Partial<Pass>) =>
      handlers.forEach((each) => each.onPass?.({ at: at(0), pass: aPass(change) }))
    return { feed, ready, pass, handlers, stop }
  }

  it('loses nothing and doubles nothing over a restart that forgets', async () => {
    const stored = [aPass()]
    const list = vi.fn(async () => ({ items: [...stored] }))
    const { feed, ready, pass } = live(list)
    ready(false)
    await settle()
    pass({ pass_id: 'p2', opened_at: at(2) })
    // Recorded while the stream was away; the server then says reset.
    stored.push(aPass({ pass_id: 'p2', opened_at: at(2) }), aPass({ pass_id: 'p3', opened_at: at(3) }))
    ready(false)
    await settle()
    expect(ids(feed.passes.value)).toEqual(['p3', 'p2', 'p1'])
  })

  it('does not load again after a resume that missed nothing', async () => {
    const list = vi.fn(async () => ({ items: [aPass()] }))
    const { ready } = live(list)
    ready(false)
    await settle()
    ready(true)
    await settle()
    expect(list).toHaveBeenCalledOnce()
  })

  it('keeps an event that arrives while the list is on its way', async () => {
    let answer: (page: Page<Pass>) => void = () => undefined
    const { feed, ready, pass } = live(() => new Promise((resolve) => (answer = resolve)))
    ready(false)
    pass({ pass_id: 'fresh', opened_at: at(9) })
    answer({ items: [aPass()] })
    await settle()
    expect(ids(feed.passes.value)).toEqual(['fresh', 'p1'])
  })

  it('stops listening with its page', () => {
    const { handlers, stop } = live(async () => ({ items: [] }))
    expect(handlers.size).toBe(1)
    stop()
    expect(handlers.size).toBe(0)
  })
})

describe('usePassHistory', () => {
  const pages: Record<string, Page<Pass>> = {
    '': { items: [aPass({ pass_id: 'a' }), aPass({ pass_id: 'b' })], next: 'n' },
    n: { items: [aPass({ pass_id: 'b' }), aPass({ pass_id: 'c' })], next: null },
  }

  it('adds page after page, each pass once', async () => {
    const list = vi.fn(async (query: PassQuery) => pages[query.after ?? '']!)
    const { value: history } = inScope(() => usePassHistory({ filter: shallowRef({}), list }))
    await settle()
    expect(history.hasMore.value).toBe(true)
    await Promise.all([history.loadMore(), history.loadMore()])
    expect(ids(history.items.value)).toEqual(['a', 'b', 'c'])
    expect(history.hasMore.value).toBe(false)
    expect(list).toHaveBeenCalledTimes(2)
  })

  it('forgets an answer to an earlier filter', async () => {
    const answers = new Map<string, (page: Page<Pass>) => void>()
    const filter = shallowRef<PassQuery>({ camera_id: 'slow' })
    const { value: history } = inScope(() =>
      usePassHistory({
        filter,
        list: (query) => new Promise((resolve) => answers.set(query.camera_id ?? '', resolve)),
      }),
    )
    filter.value = { camera_id: 'fast' }
    await settle()
    answers.get('fast')?.({ items: [aPass({ pass_id: 'fast' })] })
    await settle()
    answers.get('slow')?.({ items: [aPass({ pass_id: 'slow' })] })
    await settle()
    expect(ids(history.items.value)).toEqual(['fast'])
  })

  it('keeps the list when a later page fails', async () => {
    const list = async (query: PassQuery) => {
      if (query.after) throw new Error('away')
      return pages['']!
    }
    const { value: history } = inScope(() => usePassHistory({ filter: shallowRef({}), list }))
    await settle()
    await history.loadMore()
    expect(history.state.value).toBe('ready')
    expect(history.error.value).toBeInstanceOf(Error)
    expect(ids(history.items.value)).toEqual(['a', 'b'])
    expect(history.hasMore.value).toBe(true)
  })
})

describe('today', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('has every hour, empty ones too', () => {
    const day = startOfDay(new Date(2026, 2, 4))
    const bucket = {
      start: new Date(day.getTime() + 9 * 3_600_000).toISOString(),
      with_mask: 3,
      without_mask: 1,
      mask_worn_incorrectly: 0,
      coverage: 0.5,
      analysed_frames: 90,
      skipped_frames: 10,
    }
    const foreign = { ...bucket, start: new Date(day.getTime() - 3_600_000).toISOString() }
    const hours = hoursOfDay(day, { buckets: [bucket, foreign], totals: bucket, watched: bucket })
    expect(hours).toHaveLength(24)
    expect(hours[9]).toMatchObject({ with_mask: 3, without_mask: 1, coverage: 0.5 })
    expect(hours[8]?.coverage).toBeNull()
    expect(hours.reduce((sum, hour) => sum + hour.with_mask, 0)).toBe(3)
  })

  it('counts people and the share of the protected', async () => {
    const totals = { with_mask: 6, without_mask: 2, mask_worn_incorrectly: 0 }
    const watched = { coverage: 0.8, analysed_frames: 800, skipped_frames: 200 }
    const { value: today, stop } = inScope(() =>
      useTodayCounters({ fetchCounters: async () => ({ buckets: [], totals, watched }) }),
    )
    expect(today.protectedShare.value).toBeNull()
    await vi.advanceTimersByTimeAsync(0)
    expect(today.people.value).toBe(8)
    expect(today.protectedShare.value).toBe(0.75)
    expect(today.coverage.value).toBe(0.8)
    stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('usePassAlerts', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('marks a camera for a while, each new person anew', () => {
    const { value, stop } = inScope(() => usePassAlerts({ holdMs: 1000 }))
    value.raise(aPass())
    vi.advanceTimersByTime(900)
    value.raise(aPass({ pass_id: 'p2', state: 'mask_worn_incorrectly' }))
    vi.advanceTimersByTime(900)
    expect(value.alerts.value.get('c1')).toBe('mask_worn_incorrectly')
    vi.advanceTimersByTime(100)
    expect(value.alerts.value.size).toBe(0)
    value.raise(aPass({ state: 'with_mask', protected: true }))
    expect(value.alerts.value.size).toBe(0)
    stop()
  })
})
