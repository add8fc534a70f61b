/**
 * Tells people that cameras went or came back. The server has waited already, so each is worth a word; those that come
 * together (a switch lost its power) are one notice.
 */
import { ElNotification } from 'element-plus'
import { onScopeDispose } from 'vue'
import { useI18n } from 'vue-i18n'
import type { OutageEvent } from '@/api/types'
import { describeReason } from '@/describe'
import { useFormat } from './useFormat'

export interface Notice {
  type: 'error' | 'success'
  title: string
  message: string
}

export interface OutageNoticesOptions {
  /** Events within this time are told together, ms. Default 1500. */
  gatherMs?: number
  /** Older ones, which were missed while nobody listened, are not told, ms. Default 60000. */
  newestMs?: number
  /** Shows one. Injected in tests. */
  show?: (notice: Notice) => void
}

/** How long a notice stays, ms: one that a camera went is read by somebody who was away from the desk. */
const STAYS_MS = { error: 20_000, success: 8000 }

/** The bar with the time and the user stays free, px. */
const BELOW_BAR_PX = 60

const showIt = (notice: Notice) =>
  void ElNotification({ ...notice, duration: STAYS_MS[notice.type], offset: BELOW_BAR_PX })

export function useOutageNotices(options: OutageNoticesOptions = {}): { tell: (event: OutageEvent) => void } {
  const { gatherMs = 1500, newestMs = 60_000, show = showIt } = options
  const { t } = useI18n()
  const format = useFormat()
  let waiting: OutageEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  const nameOf = (event: OutageEvent) => event.outage.camera_name || t('camera.unnamed')

  function wordOf(event: OutageEvent): Notice {
    const { began_at, ended_at, reason } = event.outage
    if (!event.back)
      return {
        type: 'error',
        title: t('outage.down', { name: nameOf(event) }),
        message: `${describeReason(reason, t)} · ${t('common.since', { time: format.value.moment(began_at) })}`,
      }
    const lasted = Date.parse(ended_at ?? event.at) - Date.parse(began_at)
    return {
      type: 'success',
      title: t('outage.up', { name: nameOf(event) }),
      message: t('outage.lasted', { time: format.value.span(lasted) }),
    }
  }

  function flush(): void {
    const events = waiting
    waiting = []
    for (const back of [false, true]) {
      const some = events.filter((event) => event.back === back)
      const [first] = some
      if (first === undefined) continue
      if (some.length === 1) show(wordOf(first))
      else
        show({
          type: back ? 'success' : 'error',
          title: t(back ? 'outage.manyUp' : 'outage.manyDown', { count: some.length }),
          message: some.map(nameOf).join(t('outage.comma')),
        })
    }
  }

  function tell(event: OutageEvent): void {
    // An outage that ends because nobody wants the camera is no news.
    if (!event.back && event.outage.ended_at !== null) return
    if (Date.now() - Date.parse(event.at) > newestMs) return
    waiting.push(event)
    clearTimeout(timer)
    timer = setTimeout(flush, gatherMs)
  }

  onScopeDispose(() => clearTimeout(timer))
  return { tell }
}
