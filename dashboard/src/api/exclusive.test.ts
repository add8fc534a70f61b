import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createExclusive } from './exclusive'

function storage(start: Record<string, string> = {}) {
  const all = new Map(Object.entries(start))
  return {
    getItem: (key: string) => all.get(key) ?? null,
    setItem: (key: string, value: string) => void all.set(key, value),
    removeItem: (key: string) => void all.delete(key),
  }
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('one page at a time', () => {
  it('lets the second page wait for the first', async () => {
    const shared = storage()
    const first = createExclusive({ storage: shared, locks: null })
    const second = createExclusive({ storage: shared, locks: null })
    const order: string[] = []
    const slow = first(async () => {
      order.push('first begins')
      await new Promise((resolve) => setTimeout(resolve, 300))
      order.push('first ends')
    })
    const next = second(async () => void order.push('second'))
    await vi.advanceTimersByTimeAsync(400)
    await Promise.all([slow, next])
    expect(order).toEqual(['first begins', 'first ends', 'second'])
  })

  it('does not wait for ever for a page that was closed in between', async () => {
    const exclusive = createExclusive({
      storage: storage({ 'xunshi.refreshing': String(Date.now()) }),
      locks: null,
    })
    const task = vi.fn(async () => 1)
    const done = exclusive(task)
    await vi.advanceTimersByTimeAsync(2000)
    expect(task).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(600)
    expect(await done).toBe(1)
  })

  it('lets the next one go after a failure', async () => {
    const exclusive = createExclusive({ storage: storage(), locks: null })
    await expect(exclusive(() => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await exclusive(async () => 2)).toBe(2)
  })

  it('works without storage', async () => {
    const broken = {
      getItem: () => {
        throw new DOMException('denied', 'SecurityError')
      },
      setItem: () => undefined,
      removeItem: () => undefined,
    }
    expect(await createExclusive({ storage: broken, locks: null })(async () => 3)).toBe(3)
  })
})
