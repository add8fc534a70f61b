import { afterEach, describe, expect, it } from 'vitest'
import { shallowRef } from 'vue'
import { RequestProblem } from '@/api/problem'
import type { Examination, StageFinding } from '@/api/types'
import type { Doctoring } from '@/composables/useDoctor'
import { setLanguage } from '@/i18n'
import { mountPart } from '@/testing/mounting'
import DoctorPanel from './DoctorPanel.vue'

const found = (change: Partial<StageFinding>) =>
  ({
    stage: 'connect',
    name: { zh: '建立连接', en: 'Connection' },
    status: 'ok',
    took_ms: 5,
    ...change,
  }) as StageFinding
const FAILED = found({
  stage: 'login',
  name: { zh: '登录', en: 'Login' },
  status: 'failed',
  problem: { zh: '密码不对', en: 'Wrong password' },
  advice: { zh: '核对密码', en: 'Check the password' },
})

function doctoring(change: {
  findings?: StageFinding[]
  report?: Partial<Examination>
  running?: boolean
  error?: unknown
}): Doctoring {
  return {
    running: shallowRef(change.running ?? false),
    elapsedS: shallowRef(3),
    findings: shallowRef(change.findings ?? []),
    report: shallowRef((change.report as Examination | undefined) ?? null),
    subject: shallowRef('rtsp://camera'),
    error: shallowRef(change.error ?? null),
    run: () => Promise.resolve(),
    cancel: () => undefined,
    reset: () => undefined,
  }
}

const panel = (change: Parameters<typeof doctoring>[0], stale = false) =>
  mountPart(DoctorPanel, { doctoring: doctoring(change), stale })

afterEach(() => setLanguage('zh-CN'))

describe('DoctorPanel', () => {
  it('is not there before anything was examined', () => {
    expect(panel({}).find('section').exists()).toBe(false)
  })

  it('shows what runs, and for how long', () => {
    const part = panel({ running: true, findings: [found({}), found({ stage: 'login', status: 'running' })] })
    expect(part.text()).toContain('3 秒')
    expect(part.get('ol').attributes('aria-busy')).toBe('true')
    expect(part.find('.is-loading').exists()).toBe(true)
  })

  it('says why and what to do, and nothing of what was not looked at', () => {
    const skipped = found({
      stage: 'describe',
      name: { zh: '视频流描述', en: 'Description' },
      status: 'skipped',
    })
    const part = panel({
      findings: [found({}), FAILED, skipped],
      report: { ok: false, detail: 'camera: wants another password' },
    })
    expect(part.text()).toContain('没有画面')
    expect(part.text()).toContain('密码不对')
    expect(part.text()).toContain('核对密码')
    expect(part.text()).not.toContain('视频流描述')
    expect(part.get('code').text()).toBe('camera: wants another password')
  })

  it('speaks the language of the page', () => {
    setLanguage('en')
    const part = panel({ findings: [FAILED], report: { ok: false } })
    expect(part.text()).toContain('Wrong password')
    expect(part.text()).not.toContain('密码')
  })

  it('shows the picture, what could be better, and that the address changed', () => {
    const findings = [found({ status: 'warning', problem: { zh: '太慢', en: 'slow' }, took_ms: 2500 })]
    const part = panel({ findings, report: { ok: true, snapshot: 'data:image/jpeg;base64,AA' } }, true)
    expect(part.get('img').attributes('alt')).not.toBe('')
    expect(part.text()).toContain('1 处')
    expect(part.text()).toContain('2.5 秒')
    expect(part.text()).toContain('请重新测试')
  })

  it('tells a failed call from a failed camera', () => {
    const part = panel({ error: new RequestProblem({ status: 429 }) })
    expect(part.text()).toContain('检查中断了')
  })
})
