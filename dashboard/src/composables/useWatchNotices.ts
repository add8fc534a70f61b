/** Tells people that somebody of a watch list was seen, with both pictures, on whatever page they are. */
import { ElNotification } from 'element-plus'
import { getCurrentInstance, h, type AppContext, type VNode } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import type { Seen, SeenEvent } from '@/api/faceTypes'
import WatchNotice from '@/components/watch/WatchNotice.vue'
import { useUnseenAlerts } from '@/stores/unseenAlerts'
import { useWatch } from '@/stores/watch'
import { PHONE } from './useMediaQuery'

export interface WatchNoticesOptions {
  /** Older ones, which were missed while nobody listened, are listed but not told, ms. Default 60000. */
  newestMs?: number
  /** Shows one; answers what closes it. Injected in tests. */
  show?: (title: string, message: VNode) => () => void
}

/** Read by somebody who was away from the desk, ms. */
const STAYS_MS = 30_000
/** On a phone the navigation is below, px. */
const ABOVE_BAR_PX = 68
const ABOVE_EDGE_PX = 16

/** A notice lives outside the page: what it shows has texts and stores of the app by its context only. */
const showWith =
  (context: AppContext | null) =>
  (title: string, message: VNode): (() => void) => {
    const notice = ElNotification(
      {
        title,
        message,
        type: 'warning',
        duration: STAYS_MS,
        // drawers and the feed, which shows it too, are on the right
        position: 'bottom-left',
        offset: window.matchMedia(PHONE).matches ? ABOVE_BAR_PX : ABOVE_EDGE_PX,
        customClass: 'watch-notice',
      },
      context,
    )
    return () => notice.close()
  }

export function useWatchNotices(options: WatchNoticesOptions = {}): { tell: (event: SeenEvent) => void } {
  const { newestMs = 60_000, show = showWith(getCurrentInstance()?.appContext ?? null) } = options
  const { t } = useI18n()
  const router = useRouter()
  const watch = useWatch()
  const unseen = useUnseenAlerts()

  /** What closes the notice about each person: somebody whom five cameras see is one notice, the newest. */
  const shown = new Map<string, () => void>()

  function notice(seen: Seen): void {
    const whom = seen.person_id ?? seen.sighting_id
    const close = () => shown.get(whom)?.()
    close()
    const open = () => {
      close()
      void router.push({ name: 'wall', query: { sighting: seen.sighting_id } })
    }
    shown.set(whom, show(t('watch.seen'), h(WatchNotice, { seen, onOpen: open, onDone: close })))
  }

  function tell(event: SeenEvent): void {
    const isNew = watch.put(event.sighting)
    if (isNew && event.sighting.alert_id) unseen.put(event.sighting.alert_id)
    if (isNew && Date.now() - Date.parse(event.at) <= newestMs) notice(event.sighting)
  }

  return { tell }
}
