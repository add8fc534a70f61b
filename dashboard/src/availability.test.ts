// How cameras are and were, as the pages show it.
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, shallowRef } from 'vue'
import { isLive, rests, uptimeOf } from './cameraState'
import CameraRow from './components/camera/CameraRow.vue'
import CameraTile from './components/camera/CameraTile.vue'
import HourBars from './components/camera/HourBars.vue'
import TodayTotals from './components/chart/TodayTotals.vue'
import type { HourOfCamera, OutageEvent } from './api/types'
import { useCameraHours } from './composables/useCameraHours'
import { useOutageNotices, type Notice } from './composables/useOutageNotices'
import { usePictureAge } from './composables/usePictureAge'
import { useOutages } from './stores/outages'
import { mountPart, settle } from './testing/mounting'
import { aCamera } from './testing/samples'

const anHour = (change: Partial<HourOfCamera> = {}): HourOfCamera => ({
  start: '2026-03-01T08:00:00.000Z',
  online_s: 3600,
  degraded_s: 0,
  stale_s: 0,
  offline_s: 0,
  paused_s: 0,
  unknown_s: 0,
  analysed_frames: 100,
  skipped_frames: 0,
  coverage: 1,
  ...change,
})

const anOutage = (change: Partial<OutageEvent['outage']> = {}): OutageEvent['outage'] => ({
  outage_id: 'o1',
  camera_id: 'c1',
  camera_name: '东门',
  began_at: new Date(Date.now() - 20_000).toISOString(),
  noticed_at: new Date().toISOString(),
  ended_at: null,
  reason: 'closed',
  detail: null,
  ...change,
})

/** Runs a composable that needs texts, which only a component has. */
function inTexts<T>(run: () => T): T {
  let value: T | undefined
  mountPart({
    setup() {
      value = run()
      return () => null
    },
  })
  if (value === undefined) throw new Error('composable: expected an answer, got none')
  return value
}

describe('states of a camera', () => {
  it('a picture of now is only that of a camera that sends', () => {
    expect(['online', 'degraded'].every((state) => isLive(state as never))).toBe(true)
    expect(['connecting', 'stale', 'offline', 'paused', 'disabled'].some((s) => isLive(s as never))).toBe(
      false,
    )
    expect(rests('paused')).toBe(true)
    expect(rests('offline')).toBe(false)
  })

  it('uptime leaves out what nobody wanted, and says nothing where nothing is known', () => {
    expect(uptimeOf(anHour())).toBe(1)
    expect(uptimeOf(anHour({ online_s: 900, degraded_s: 900, offline_s: 1800 }))).toBe(0.5)
    expect(uptimeOf(anHour({ online_s: 1800, paused_s: 1800 }))).toBe(1)
    expect(uptimeOf(anHour({ online_s: 1800, unknown_s: 1800 }))).toBe(0.5)
    expect(uptimeOf(anHour({ online_s: 0, paused_s: 3600 }))).toBeNull()
    expect(uptimeOf(anHour({ online_s: 0, unknown_s: 3600 }))).toBeNull()
  })
})

describe('a picture that is not of now', () => {
  it('is grey and says how old it is', () => {
    vi.useFakeTimers({ toFake: ['Date'] }) // however long it takes to draw
    const camera = aCamera({ state: 'stale', last_frame_at: new Date(Date.now() - 40_000).toISOString() })
    const tile = mountPart(CameraTile, { camera })
    expect(tile.classes()).toContain('stale')
    expect(tile.text()).toContain('画面停滞')
    expect(tile.text()).toMatch(/画面停了.*40/)
    expect(mountPart(CameraTile, { camera: aCamera() }).classes()).not.toContain('stale')
    vi.useRealTimers()
  })

  it('gets old by itself', () => {
    vi.useFakeTimers()
    const takenAt = shallowRef<number | null>(null)
    const age = inTexts(() => usePictureAge(takenAt))
    expect([age.text.value, age.old.value]).toEqual([null, false])
    takenAt.value = Date.now()
    expect(age.old.value).toBe(false)
    vi.advanceTimersByTime(12_000)
    expect(age.old.value).toBe(true)
    expect(age.text.value).toContain('12')
    vi.useRealTimers()
  })

  it('a camera that rests says until when, and is no trouble', () => {
    const camera = aCamera({
      state: 'paused',
      state_reason: 'plan',
      resumes_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    for (const part of [CameraTile, CameraRow]) {
      const text = mountPart(part, { camera, canManage: false, busy: false }).text()
      expect(text).toContain('不在采集计划的时间内')
      expect(text).toContain('恢复')
    }
  })

  it('a degraded camera says why', () => {
    const camera = aCamera({ state: 'degraded', state_reason: 'not_analysed' })
    expect(mountPart(CameraRow, { camera, canManage: false, busy: false }).text()).toContain('没有被分析')
    expect(mountPart(CameraTile, { camera }).get('.state').attributes('title')).toContain('没有被分析')
  })
})

describe('the record of a camera', () => {
  it('is a bar an hour, as high as each kind of time', () => {
    const hours = [anHour(), anHour({ online_s: 1800, offline_s: 900, unknown_s: 900, coverage: 0.5 })]
    const bars = mountPart(HourBars, { hours }).findAll('.hour')
    expect(bars).toHaveLength(2)
    expect(bars[1]?.findAll('i').map((one) => [one.classes()[0], one.attributes('style')])).toEqual([
      ['online', 'height: 50%;'],
      ['offline', 'height: 25%;'],
      ['unknown', 'height: 25%;'],
    ])
    expect(bars[1]?.attributes('title')).toContain('覆盖 50%')
  })

  it('counts of which much is missing say so', () => {
    const totals = { with_mask: 1, without_mask: 0, mask_worn_incorrectly: 0 }
    const shown = (coverage: number | null) =>
      mountPart(TodayTotals, { people: 1, totals, share: 1, coverage, loading: false })
    expect(shown(0.62).get('.coverage').classes()).toContain('partial')
    expect(shown(0.62).text()).toContain('62%')
    expect(shown(0.99).get('.coverage').classes()).not.toContain('partial')
    expect(shown(null).find('.coverage').exists()).toBe(false)
  })

  it('is asked for while somebody looks, and keeps what it had when that fails', async () => {
    vi.useFakeTimers()
    const active = shallowRef(false)
    const answer = { items: [anHour()], totals: anHour() }
    const fetchHours = vi.fn(async () => answer)
    const hours = inTexts(() => useCameraHours({ cameraId: shallowRef('c1'), active, fetchHours }))
    expect(fetchHours).not.toHaveBeenCalled()
    active.value = true
    await nextTick()
    await settle()
    expect(hours.found.value).toEqual(answer)
    fetchHours.mockRejectedValue(new Error('away'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(hours.state.value).toBe('ready')
    expect(hours.found.value).toEqual(answer)
    active.value = false
    await nextTick()
    await vi.advanceTimersByTimeAsync(300_000)
    expect(fetchHours).toHaveBeenCalledTimes(2)
    vi.useRealTimers()
  })
})

describe('outages', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  const event = (change: Partial<OutageEvent> = {}): OutageEvent => ({
    at: new Date().toISOString(),
    back: false,
    outage: anOutage(),
    ...change,
  })

  function notices() {
    const shown: Notice[] = []
    const { tell } = inTexts(() => useOutageNotices({ show: (notice) => shown.push(notice) }))
    return { shown, tell }
  }

  it('one camera that goes is told by name, with the reason', () => {
    const { shown, tell } = notices()
    tell(event())
    vi.advanceTimersByTime(2000)
    expect(shown).toMatchObject([{ type: 'error', title: '东门 没有画面了' }])
    expect(shown[0]?.message).toContain('摄像头中断了连接')
  })

  it('many that go together are one notice', () => {
    const { shown, tell } = notices()
    for (const name of ['甲', '乙', '丙']) tell(event({ outage: anOutage({ camera_name: name }) }))
    vi.advanceTimersByTime(2000)
    expect(shown).toEqual([{ type: 'error', title: '3 路摄像头没有画面了', message: '甲、乙、丙' }])
  })

  it('one that is back says how long it was gone', () => {
    const { shown, tell } = notices()
    const began_at = new Date(Date.now() - 300_000).toISOString()
    tell(event({ back: true, outage: anOutage({ began_at, ended_at: new Date().toISOString() }) }))
    vi.advanceTimersByTime(2000)
    expect(shown).toMatchObject([{ type: 'success', title: '东门 已恢复' }])
    expect(shown[0]?.message).toMatch(/5\s*分/)
  })

  it('what nobody wants any more, and what was long ago, is no news', () => {
    const { shown, tell } = notices()
    tell(event({ outage: anOutage({ ended_at: new Date().toISOString() }) }))
    tell(event({ at: new Date(Date.now() - 3_600_000).toISOString() }))
    vi.advanceTimersByTime(2000)
    expect(shown).toEqual([])
  })

  it('the list has one a camera, the longest first, and forgets what is over', () => {
    setActivePinia(createPinia())
    const store = useOutages()
    store.put(anOutage())
    store.put(anOutage({ camera_id: 'c2', outage_id: 'o2', began_at: '2026-03-01T08:00:00.000Z' }))
    store.put(anOutage())
    expect(store.outages.map((outage) => outage.camera_id)).toEqual(['c2', 'c1'])
    store.put(anOutage({ ended_at: new Date().toISOString() }))
    store.drop('c2')
    expect(store.outages).toEqual([])
  })
})
