/** Cameras that give no picture now, for longer than a blink. Loaded once, kept current by live events. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { listOutages } from '@/api/availability'
import type { Outage } from '@/api/types'

/** More are not listed: then something else than cameras is the trouble. */
const MOST = 200

export const useOutages = defineStore('outages', () => {
  const byCamera = shallowRef<ReadonlyMap<string, Outage>>(new Map())

  /** The longest first. */
  const outages = computed(() =>
    [...byCamera.value.values()].sort((a, b) => Date.parse(a.began_at) - Date.parse(b.began_at)),
  )

  /** What is shown stays when it fails: the next event or connection makes it current. */
  async function load(): Promise<void> {
    const page = await listOutages({ open: true, limit: MOST }).catch(() => null)
    if (page !== null) byCamera.value = new Map(page.items.map((outage) => [outage.camera_id, outage]))
  }

  function put(outage: Outage): void {
    const next = new Map(byCamera.value)
    if (outage.ended_at === null) next.set(outage.camera_id, outage)
    else next.delete(outage.camera_id)
    byCamera.value = next
  }

  function drop(camera_id: string): void {
    const next = new Map(byCamera.value)
    if (next.delete(camera_id)) byCamera.value = next
  }

  function clear(): void {
    byCamera.value = new Map()
  }

  return { outages, load, put, drop, clear }
})
