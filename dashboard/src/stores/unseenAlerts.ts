/** Watch alerts that nobody has seen to: how many there are stands in the navigation. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { WatchAlert } from '@/api/faceTypes'
import { acknowledgeWatchAlert, listWatchAlerts } from '@/api/watchAlerts'

/** Counted at most; beyond it is "many". */
export const MOST_UNSEEN = 99

export const useUnseenAlerts = defineStore('unseenAlerts', () => {
  const ids = shallowRef<ReadonlySet<string>>(new Set())
  /** The last one that was acknowledged here, wherever it was shown. */
  const settled = shallowRef<WatchAlert | null>(null)

  /** What is shown stays when it fails: the next event or connection makes it current. */
  async function load(): Promise<void> {
    const page = await listWatchAlerts({ acknowledged: 'false', limit: MOST_UNSEEN + 1 }).catch(() => null)
    if (page !== null) ids.value = new Set(page.items.map((alert) => alert.alert_id))
  }

  function put(alert_id: string): void {
    ids.value = new Set([...ids.value, alert_id])
  }

  function drop(alert_id: string): void {
    ids.value = new Set([...ids.value].filter((id) => id !== alert_id))
  }

  /** Throws what the server refused; then it stays. */
  async function acknowledge(alert_id: string): Promise<WatchAlert> {
    const alert = await acknowledgeWatchAlert(alert_id)
    drop(alert_id)
    settled.value = alert
    // what was too much to be counted comes after
    if (ids.value.size === MOST_UNSEEN) void load()
    return alert
  }

  /** As the navigation shows it; empty for none. */
  const badge = computed(() =>
    ids.value.size > MOST_UNSEEN ? `${MOST_UNSEEN}+` : ids.value.size === 0 ? '' : String(ids.value.size),
  )

  return { badge, settled, load, put, drop, acknowledge, clear: () => void (ids.value = new Set()) }
})
