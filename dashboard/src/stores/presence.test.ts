import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchPresence } from '@/api/passes'
import type { Presence } from '@/api/types'
import { NOBODY, usePresence } from './presence'

vi.mock('@/api/passes', () => ({ fetchPresence: vi.fn() }))
const answers = vi.mocked(fetchPresence)
const at = '2026-03-01T08:00:00.000Z'
const two = { with_mask: 1, without_mask: 1, mask_worn_incorrectly: 0 }

describe('presence', () => {
  beforeEach(() => setActivePinia(createPinia()))

  it('knows who is before each camera', async () => {
    answers.mockResolvedValueOnce({ at, cameras: [{ camera_id: 'c1', ...two }], totals: two })
    const presence = usePresence()
    await presence.load()
    expect(presence.of('c1')).toEqual(two)
    expect(presence.of('c2')).toEqual(NOBODY)
    expect(presence.totals).toEqual(two)
  })

  it('shows no old figure when nobody can say', async () => {
    answers.mockResolvedValueOnce({ at, cameras: [{ camera_id: 'c1', ...two }], totals: two })
    answers.mockRejectedValueOnce(new Error('away'))
    const presence = usePresence()
    await presence.load()
    await presence.load()
    expect(presence.known).toBe(false)
    expect(presence.of('c1')).toEqual(NOBODY)
  })

  it('keeps the answer to the last question, whichever comes first', async () => {
    let late: ((answer: Presence) => void) | undefined
    answers.mockReturnValueOnce(new Promise((done) => (late = done)))
    answers.mockResolvedValueOnce({ at, cameras: [], totals: NOBODY })
    const presence = usePresence()
    const first = presence.load()
    await presence.load()
    late?.({ at, cameras: [{ camera_id: 'c1', ...two }], totals: two })
    await first
    expect(presence.of('c1')).toEqual(NOBODY)
  })
})
