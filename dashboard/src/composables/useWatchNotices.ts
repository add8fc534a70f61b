/** Tells people that somebody of a watch list was seen, with both pictures, on whatever page they are. */
import { ElNotification } from 'element-plus'
import { h, type VNode } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import type { Seen, SeenEvent } from '@/api/faceTypes'
import WatchPair from '@/components/watch/WatchPair.vue'
import { useWatch } from '@/stores/watch'

export interface WatchNoticesOptions {
  /** Older ones, which were missed while nobody listened, are listed but not told, ms. Default 60000. */
  newestMs?: number
  /** Shows one; answers what closes it. Injected in tests. */
  show?: (title: string, message: VNode) => () => void
}

/** Read by somebody who was away from the desk, ms. */
const STAYS_MS = 30_000
/** The bar with the time and the user stays free, px. */
const BELOW_BAR_PX = 60

function showIt(title: string, message: VNode): () => void {
  const notice = ElNotification({
    title,
    message,
    type: 'warning',
    duration: STAYS_MS,
    offset: BELOW_BAR_PX,
    customClass: 'watch-notice',
  })
  return () => notice.close()
}

export function useWatchNotices(options: WatchNoticesOptions = {}): { tell: (event: SeenEvent) => void } {
  const { newestMs = 60_000, show = showIt } = options
  const { t } = useI18n()
  const router = useRouter()
  const watch = useWatch()

  function notice(seen: Seen): void {
    let close: () => void = () => undefined
    const open = () => {
      close()
      void router.push({ name: 'wall', query: { sighting: seen.sighting_id } })
    }
    close = show(t('watch.seen'), h(WatchPair, { seen, onOpen: open }))
  }

  function tell(event: SeenEvent): void {
    const isNew = watch.put(event.sighting)
    if (isNew && Date.now() - Date.parse(event.at) <= newestMs) notice(event.sighting)
  }

  return { tell }
}
