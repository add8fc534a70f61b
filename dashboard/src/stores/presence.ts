/** How many people are before each camera now. Asked of the server, because only it knows which passes are still open. */
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { fetchPresence } from '@/api/passes'
import type { StateCounts } from '@/api/types'

export const NOBODY: StateCounts = { with_mask: 0, without_mask: 0, mask_worn_incorrectly: 0 }

export const unprotectedOf = (counts: StateCounts): number =>
  counts.without_mask + counts.mask_worn_incorrectly

export const peopleOf = (counts: StateCounts): number => counts.with_mask + unprotectedOf(counts)

export const usePresence = defineStore('presence', () => {
  const byCamera = shallowRef<ReadonlyMap<string, StateCounts>>(new Map())
  const totals = shallowRef<StateCounts>(NOBODY)
  /** Whether the figures are of now: after a failure they are not shown. */
  const known = shallowRef(false)
  let turn = 0

  async function load(): Promise<void> {
    const mine = ++turn
    try {
      const answer = await fetchPresence()
      if (mine !== turn) return
      byCamera.value = new Map(
        answer.cameras.map(({ camera_id, ...counts }) => [camera_id, { ...NOBODY, ...counts }]),
      )
      totals.value = { ...NOBODY, ...answer.totals }
      known.value = true
    } catch {
      // The next event or the next round asks again; an old figure would be a wrong one.
      if (mine === turn) known.value = false
    }
  }

  const of = (camera_id: string): StateCounts => (known.value && byCamera.value.get(camera_id)) || NOBODY

  return { totals, known, load, of }
})
