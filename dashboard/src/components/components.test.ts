import { describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { RequestProblem } from '@/api/problem'
import { mountPart } from '@/testing/mounting'
import { aCamera, aPass } from '@/testing/samples'
import CameraRow from './camera/CameraRow.vue'
import CameraTile from './camera/CameraTile.vue'
import TodayTotals from './chart/TodayTotals.vue'
import BoxedFrame from './pass/BoxedFrame.vue'
import PassFeed from './pass/PassFeed.vue'
import StateTag from './pass/StateTag.vue'
import EmptyState from './state/EmptyState.vue'
import ErrorState from './state/ErrorState.vue'

describe('states', () => {
  it('an empty page says what to do', () => {
    const text = mountPart(EmptyState, { title: '还没有摄像头', hint: '添加第一路摄像头' }).text()
    expect(text).toContain('还没有摄像头')
    expect(text).toContain('添加第一路摄像头')
  })

  it('a failure says why and can be tried again', async () => {
    const part = mountPart(ErrorState, { title: '加载失败', error: new RequestProblem({ status: 503 }) })
    expect(part.attributes('role')).toBe('alert')
    expect(part.text()).toContain('暂时不可用')
    await part.get('button').trigger('click')
    expect(part.emitted('retry')).toHaveLength(1)
  })

  it('a verdict is never only a colour', () => {
    const part = mountPart(StateTag, { state: 'without_mask' })
    expect(part.text()).toBe('未戴口罩')
    expect(part.find('svg').exists()).toBe(true)
  })

  it('a verdict of a later version is shown as it is', () => {
    expect(mountPart(StateTag, { state: 'visor' }).text()).toBe('visor')
  })
})

describe('PassFeed', () => {
  const feed = (change: Record<string, unknown>) =>
    mountPart(PassFeed, { passes: [], state: 'ready', error: null, ...change })

  it('shows places while loading', () =>
    expect(feed({ state: 'loading' }).find('[aria-busy]').exists()).toBe(true))
  it('says that nothing happened yet', () => expect(feed({}).text()).toContain('还没有事件'))
  it('says that loading failed', async () => {
    const part = feed({ state: 'failed', error: new RequestProblem({ status: 0 }) })
    expect(part.text()).toContain('连不上服务器')
    await part.get('[role=alert] button').trigger('click')
    expect(part.emitted('retry')).toHaveLength(1)
  })

  it('can show the unprotected only', async () => {
    const part = feed({ passes: [aPass(), aPass({ pass_id: 'p2', state: 'with_mask', protected: true })] })
    expect(part.findAll('li')).toHaveLength(2)
    await part.findAll('[role=group] button')[1]?.trigger('click')
    expect(part.findAll('li')).toHaveLength(1)
  })

  it('does not move what is being read', async () => {
    const part = feed({ passes: [aPass()] })
    const scroller = part.get('.scroller')
    scroller.element.scrollTop = 100
    await scroller.trigger('scroll')
    await part.setProps({ passes: [aPass({ pass_id: 'new' }), aPass()] })
    expect(part.findAll('li')).toHaveLength(1)
    expect(part.text()).toContain('1 条新事件')
    scroller.element.scrollTo = (() => undefined) as never
    await part.get('.fresh').trigger('click')
    expect(part.findAll('li')).toHaveLength(2)
  })
})

describe('CameraTile', () => {
  it('says why a camera is silent, since when, and what to do', () => {
    const camera = aCamera({ state: 'offline', state_reason: 'unauthorised' })
    const text = mountPart(CameraTile, { camera }).text()
    expect(text).toContain('离线')
    expect(text).toContain('用户名或密码不正确')
    expect(text).toContain('自')
    expect(text).toContain('核对地址')
  })

  it('lives with fields that are not there', () => {
    const camera = aCamera({
      state: 'offline',
      state_reason: null,
      width: null,
      fps: null,
      codec: null,
    })
    expect(mountPart(CameraTile, { camera }).text()).toContain('暂时没有画面')
  })

  it('says that it was switched off', () => {
    expect(mountPart(CameraTile, { camera: aCamera({ enabled: false }) }).text()).toContain('已停用')
  })

  it('states why there are only still pictures', async () => {
    // jsdom has no media source, like some old televisions.
    const part = mountPart(CameraTile, { camera: aCamera() })
    await nextTick()
    await nextTick()
    expect(part.attributes('data-mode')).toBe('snapshots')
    expect(part.text()).toContain('此浏览器不支持实时播放')
  })
})

describe('CameraRow', () => {
  it('offers nothing that the user may not do', () => {
    const part = mountPart(CameraRow, { camera: aCamera(), canManage: false, busy: false })
    expect(part.findAll('.actions button')).toHaveLength(0)
    const managed = mountPart(CameraRow, { camera: aCamera(), canManage: true, busy: false })
    expect(managed.findAll('.actions button').map((each) => each.attributes('aria-label'))).toEqual(
      expect.arrayContaining(['编辑', '移除']),
    )
  })
})

describe('figures and boxes', () => {
  it('shows no rate while nobody passed', () => {
    const nobody = { with_mask: 0, without_mask: 0, mask_worn_incorrectly: 0 }
    expect(
      mountPart(TodayTotals, { people: 0, totals: nobody, share: null, loading: false }).text(),
    ).toContain('—')
  })

  it('draws a box where the face is, inside the picture', () => {
    const boxes = [{ key: 1, x0: 0.25, y0: -0.1, x1: 0.5, y1: 0.9, tone: 'bad', label: '1' }]
    const style = mountPart(BoxedFrame, { boxes, ratio: 2 }).get('.box').attributes('style')
    expect(style).toContain('left: 25%')
    expect(style).toContain('top: 0%')
    expect(style).toContain('width: 25%')
  })
})
