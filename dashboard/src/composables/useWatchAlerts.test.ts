import { flushPromises } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, defineComponent, effectScope, nextTick } from 'vue'
import { createMemoryHistory } from 'vue-router'
import { client } from '@/api/client'
import type { WatchAlertQuery } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import AlertRow from '@/components/watch/AlertRow.vue'
import WatchNotice from '@/components/watch/WatchNotice.vue'
import { createAppRouter } from '@/router'
import { useUnseenAlerts } from '@/stores/unseenAlerts'
import { aSeen, aSighting, aWatchAlert } from '@/testing/faces'
import { mountPart } from '@/testing/mounting'
import { liveEventsKey } from './liveEventsKey'
import type { LiveEvents, LiveEventsHandlers } from './useLiveEvents'
import { queryOf, useWatchAlerts } from './useWatchAlerts'

beforeEach(() => {
  document.body.innerHTML = ''
  setActivePinia(createPinia())
})

// the router loads its first page by itself
afterAll(() => vi.dynamicImportSettled())

/** As the page uses it. */
async function open(
  list = vi.fn((query: WatchAlertQuery) =>
    Promise.resolve({ items: query.camera_id ? [] : [aWatchAlert()] }),
  ),
) {
  let handlers: LiveEventsHandlers = {}
  const events = { subscribe: (given: LiveEventsHandlers) => ((handlers = given), () => undefined) }
  const app = createApp(defineComponent(() => () => null))
  const router = createAppRouter(createMemoryHistory())
  app.use(router).provide(liveEventsKey, events as unknown as LiveEvents)
  const it = app.runWithContext(() => effectScope().run(() => useWatchAlerts(list)))
  if (it === undefined) throw new Error('composable: expected an answer, got none')
  await flushPromises()
  return { it, list, tell: () => handlers.onSeen?.({ at: '', sighting: aSeen() }) }
}

describe('useWatchAlerts', () => {
  it('asks for those that nobody has seen to, and for what is chosen', async () => {
    const { list } = await open()
    expect(list.mock.calls[0]?.[0]).toMatchObject({ acknowledged: 'false', limit: 30 })
    expect(queryOf({ state: 'all', camera: 'c1', person: 'P1', span: [0, 1000] })).toEqual({
      acknowledged: undefined,
      camera_id: 'c1',
      person_id: 'P1',
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T00:00:01.000Z',
    })
  })

  it('puts a new one on top when it comes', async () => {
    const { it, list, tell } = await open()
    const fresh = aWatchAlert({ alert_id: 'W2', seen_at: '2026-03-02T08:00:00.000Z' })
    list.mockResolvedValue({ items: [fresh] })
    tell()
    await flushPromises()
    expect(it.pages.items.value.map((alert) => alert.alert_id)).toEqual(['W2', 'W1'])
  })

  it('keeps what was acknowledged in sight, with who did it', async () => {
    const { it } = await open()
    const unseen = useUnseenAlerts()
    unseen.put('W1')
    const done = aWatchAlert({ acknowledged_at: '2026-03-01T09:00:00.000Z', acknowledged_by_name: '王卫' })
    vi.spyOn(client, 'call').mockResolvedValue(done)
    await it.acknowledge(aWatchAlert())
    await nextTick()
    expect(it.pages.items.value).toEqual([done])
    expect(unseen.badge).toBe('')
  })

  it('takes away one whose person was erased meanwhile; another refusal is thrown', async () => {
    const { it } = await open()
    const call = vi.spyOn(client, 'call').mockRejectedValueOnce(new RequestProblem({ status: 503 }))
    await expect(it.acknowledge(aWatchAlert())).rejects.toThrow()
    expect([it.pages.items.value.length, it.busyId.value]).toEqual([1, null])
    call.mockRejectedValueOnce(new RequestProblem({ status: 404 }))
    await it.acknowledge(aWatchAlert())
    expect(it.pages.items.value).toEqual([])
  })

  it('shows what a human decided about the sighting', async () => {
    const { it } = await open()
    it.decided(aSighting({ decision: 'rejected' }))
    expect(it.pages.items.value[0]?.sighting.decision).toBe('rejected')
  })
})

describe('useUnseenAlerts', () => {
  it('counts up to 99 and says that there are more', async () => {
    const items = Array.from({ length: 100 }, (_, n) => aWatchAlert({ alert_id: `W${n}` }))
    vi.spyOn(client, 'call').mockResolvedValue({ items })
    const unseen = useUnseenAlerts()
    await unseen.load()
    expect(unseen.badge).toBe('99+')
    unseen.drop('W0')
    expect(unseen.badge).toBe('99')
  })

  it('keeps its count when the service is away', async () => {
    const unseen = useUnseenAlerts()
    unseen.put('W1')
    vi.spyOn(client, 'call').mockRejectedValue(new RequestProblem({ status: 503 }))
    await unseen.load()
    expect(unseen.badge).toBe('1')
  })
})

describe('a watch alert', () => {
  it('shows both pictures, who, the list, where and how alike; a click acknowledges', async () => {
    const part = mountPart(AlertRow, { alert: aWatchAlert(), busy: false })
    for (const words of ['陈安', '重点关注', 'Gate', '0.61', '0.40', '系统识别'])
      expect(part.text()).toContain(words)
    expect(part.findAll('img')).toHaveLength(2)
    await part.get('.done button').trigger('click')
    expect(part.emitted('acknowledge')).toHaveLength(1)
  })

  it('says who has seen to it, and asks no more', () => {
    const alert = aWatchAlert({ acknowledged_at: '2026-03-01T09:00:00.000Z', acknowledged_by_name: '王卫' })
    const part = mountPart(AlertRow, { alert, busy: false })
    expect(part.get('.done').text()).toContain('王卫')
    expect(part.find('.done button').exists()).toBe(false)
  })

  it('can be acknowledged in its notice; one of an older service cannot', async () => {
    vi.spyOn(client, 'call').mockResolvedValue(aWatchAlert())
    const part = mountPart(WatchNotice, { seen: aSeen({ alert_id: 'W1' }) })
    await part.get('button.yes').trigger('click')
    await flushPromises()
    expect(part.emitted('done')).toHaveLength(1)
    expect(mountPart(WatchNotice, { seen: aSeen() }).find('button.yes').exists()).toBe(false)
  })
})
