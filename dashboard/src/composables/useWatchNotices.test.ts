import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, nextTick, type VNode } from 'vue'
import type { SeenEvent } from '@/api/faceTypes'
import { useWatch } from '@/stores/watch'
import { aSeen } from '@/testing/faces'
import { mountPart } from '@/testing/mounting'
import { useWatchNotices } from './useWatchNotices'

const now = () => new Date().toISOString()

/** As the shell uses it. */
function open(show?: (title: string, message: VNode) => () => void) {
  let tell: (event: SeenEvent) => void = () => undefined
  mountPart(
    defineComponent({
      setup() {
        tell = useWatchNotices(show ? { show } : {}).tell
        return () => null
      },
    }),
  )
  return { tell: (event: SeenEvent) => tell(event), watch: useWatch() }
}

beforeEach(() => void (document.body.innerHTML = ''))

// the router loads its first page by itself
afterAll(() => vi.dynamicImportSettled())

describe('useWatchNotices', () => {
  it('tells an alert once, and keeps it for the feed', () => {
    const show = vi.fn(() => () => undefined)
    const { tell, watch } = open(show)
    tell({ at: now(), sighting: aSeen() })
    tell({ at: now(), sighting: aSeen({ score: 0.7 }) })
    expect(show).toHaveBeenCalledOnce()
    expect(watch.alerts.map((seen) => seen.score)).toEqual([0.7])
  })

  it('does not tell what is old, nor who is on no watch list', () => {
    const show = vi.fn(() => () => undefined)
    const { tell, watch } = open(show)
    tell({ at: '2026-03-01T08:00:00.000Z', sighting: aSeen() })
    tell({ at: now(), sighting: aSeen({ sighting_id: 'S2', alerts: false }) })
    expect(show).not.toHaveBeenCalled()
    expect(watch.alerts).toHaveLength(1)
  })

  it('is one notice a person, the newest', () => {
    const close = vi.fn()
    const { tell } = open(() => close)
    tell({ at: now(), sighting: aSeen() })
    tell({ at: now(), sighting: aSeen({ sighting_id: 'S2', camera_name: 'Yard' }) })
    expect(close).toHaveBeenCalledOnce()
  })

  it('takes an alert away that turned out to be none', () => {
    const { tell, watch } = open(() => () => undefined)
    tell({ at: now(), sighting: aSeen() })
    tell({ at: now(), sighting: aSeen({ alerts: false, decision: 'unknown' }) })
    expect(watch.alerts).toEqual([])
  })

  it('shows both pictures, who, where and how alike', async () => {
    const { tell } = open()
    tell({ at: now(), sighting: aSeen() })
    await nextTick()
    const notice = document.querySelector('.watch-notice')
    expect(notice?.textContent).toContain('布控人员出现')
    expect(notice?.textContent).toContain('陈安')
    expect(notice?.textContent).toContain('Gate')
    expect(notice?.textContent).toContain('0.61')
    expect([...(notice?.querySelectorAll('img') ?? [])].map((image) => image.getAttribute('src'))).toEqual([
      '/faces/pictures/S1?ticket=t',
      '/faces/pictures/F1?ticket=t',
    ])
  })
})
