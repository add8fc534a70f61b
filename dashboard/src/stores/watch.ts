/** Alerts of watch lists: who was seen a moment ago, with the picture and the one that is enrolled. The newest first. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { Seen } from '@/api/faceTypes'

/** Older ones are on the search page. */
const MOST = 30

export const useWatch = defineStore('watch', () => {
  const byId = shallowRef<ReadonlyMap<string, Seen>>(new Map())

  const alerts = computed(() =>
    [...byId.value.values()].sort((a, b) => Date.parse(b.seen_at) - Date.parse(a.seen_at)),
  )

  /** True for an alert that was not here before. One that is none any more goes. */
  function put(seen: Seen): boolean {
    if (!seen.alerts) {
      drop(seen.sighting_id)
      return false
    }
    const isNew = !byId.value.has(seen.sighting_id)
    const kept = [seen, ...alerts.value.filter((one) => one.sighting_id !== seen.sighting_id)].slice(0, MOST)
    byId.value = new Map(kept.map((one) => [one.sighting_id, one]))
    return isNew
  }

  /** They were erased, or a human said that it was somebody else. */
  function drop(sighting_id: string): void {
    const rest = new Map(byId.value)
    if (rest.delete(sighting_id)) byId.value = rest
  }

  function clear(): void {
    byId.value = new Map()
  }

  return { alerts, put, drop, clear }
})
