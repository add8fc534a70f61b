// Texts, times and figures: what people read.
import { describe, expect, it } from 'vitest'
import { RequestProblem } from './api/problem'
import { adviseReason, describeProblem, describeReason } from './describe'
import { createFormat, startOfDay } from './format'
import { filterFromQuery, filterToQuery, toPassQuery, type HistoryChoice } from './historyFilter'
import { i18n } from './i18n'
import en from './locales/en'
import zh from './locales/zh-CN'

type Words = { [key: string]: string | Words }

function flat(words: Words, prefix = ''): Map<string, string> {
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') all.set(prefix + key, value)
    else for (const [inner, text] of flat(value, `${prefix}${key}.`)) all.set(inner, text)
  }
  return all
}

/** The code as text, by file. */
const sources = import.meta.glob<string>(['./**/*.{vue,ts}', '!./**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
})

/** Texts that are written before what shows them. */
const COMING = /^imports\.(whole\.|detail$)/

describe('locales', () => {
  const chinese = flat(zh)
  const english = flat(en)
  const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()

  it('have the same keys', () => expect([...english.keys()]).toEqual([...chinese.keys()]))

  it('fill the same holes', () => {
    for (const [key, text] of chinese)
      expect(`${key} ${holes(english.get(key) ?? '')}`).toBe(`${key} ${holes(text)}`)
  })

  it('have no empty text and no letter that the text format would take for its own', () => {
    for (const text of [...chinese.values(), ...english.values()]) {
      expect(text.trim()).not.toBe('')
      expect(text).not.toMatch(/@(?!\})/)
    }
  })

  it('have no text that nobody shows', () => {
    const code = Object.entries(sources).filter(([name]) => !name.includes('/locales/'))
    const quoted = code.flatMap(([, text]) => text.match(/(['"`])\w+\.[^'"`\n]*\1/g) ?? [])
    // `faces.reason.${code}`: any word may stand in the gap
    const shown = new Set(quoted.map((each) => each.slice(1, -1).replace(/\$\{[^}]*\}/g, '*')))
    const gaps = [...shown].filter((key) => /^\w+\.[\w.*]+$/.test(key) && key.includes('*'))
    const shapes = gaps.map((key) => new RegExp(`^${key.replaceAll('.', '\\.').replaceAll('*', '\\w+')}$`))
    const unused = (key: string) =>
      !COMING.test(key) && !shown.has(key) && !shapes.some((shape) => shape.test(key))
    expect([...chinese.keys()].filter(unused)).toEqual([])
  })

  it('know every key that the code names', () => {
    const groups = new Set([...chinese.keys()].map((key) => key.replace(/\..*/, '')))
    for (const [name, code] of Object.entries(sources)) {
      // what `can` is asked are permissions
      for (const [, key] of code.matchAll(/(?<!can\()'((?:[a-z]\w*\.)+\w+)'/g)) {
        if (key === undefined || key.endsWith('.json')) continue // the name of a file
        if (groups.has(key.replace(/\..*/, '')))
          expect([...chinese.keys()], `${key} in ${name}`).toContain(key)
      }
    }
  })
})

describe('problems in words', () => {
  const t = (key: string, values?: Record<string, unknown>) => i18n.global.t(key, values ?? {})
  it.each([
    [0, '连不上服务器'],
    [403, '没有权限'],
    [404, '不存在'],
    [429, '9 秒'],
    [500, '服务器出错'],
    [503, '暂时不可用'],
    [418, '出了点问题'],
  ])('status %i', (status, words) =>
    expect(describeProblem(new RequestProblem({ status }, 9), t)).toContain(words),
  )
  it('has words for what is no problem document', () =>
    expect(describeProblem(new Error('x'), t)).toContain('出了点问题'))
  it('explains cameras, also for codes of a later version', () => {
    expect(describeReason('unauthorised', t)).toContain('用户名或密码')
    expect(adviseReason('unauthorised', t)).toContain('@')
    expect(describeReason('exploded', t)).toBe(zh.camera.reason.unknown)
    expect(adviseReason(null, t)).toBe(zh.camera.advice.unknown)
  })
})

describe('format', () => {
  const format = createFormat('zh-CN', 'Asia/Shanghai')
  const english = createFormat('en', 'Asia/Shanghai')
  const now = Date.parse('2026-03-01T08:00:00Z')

  it('shows times in the zone of the reader, 24 hours', () => {
    expect(format.clock('2026-03-01T16:30:05.123Z')).toBe('00:30:05')
    expect(format.moment('2026-03-01T07:59:00Z', now)).toBe('15:59:00')
    expect(format.moment('2026-02-28T07:59:00Z', now)).toContain('2/28')
  })
  it('writes a dash for what is no time', () => expect(format.dateTime('yesterday')).toBe('—'))
  it('says how long ago', () => {
    expect(english.ago(now - 12_000, now)).toBe('12 sec. ago')
    expect(english.ago(now + 3000, now)).toBe('now')
    expect(english.ago(now - 3 * 3_600_000, now)).toBe('3 hr. ago')
  })
  it('writes spans, counts and shares', () => {
    expect(english.span(7400)).toBe('7 sec')
    expect(english.span(125_000)).toBe('2 min')
    expect(english.span(-5)).toBe('0 sec')
    expect(english.count(12_345)).toBe('12,345')
    expect(english.share(0.997)).toBe('99%')
    expect(english.share(1)).toBe('100%')
  })
})

describe('history filter', () => {
  const now = new Date(2026, 2, 5, 13, 30).getTime()

  it('survives the address', () => {
    const choice: HistoryChoice = {
      camera_id: 'c1',
      state: 'without_mask',
      range: 'custom',
      from: Date.UTC(2026, 1, 1),
      to: Date.UTC(2026, 1, 2),
    }
    expect(filterFromQuery(filterToQuery(choice) as never)).toEqual(choice)
  })
  it('ignores what it cannot read', () => {
    const odd = filterFromQuery({ state: 'naked', range: 'never', from: 'x', camera: ['a', 'b'] })
    expect(odd).toEqual({ range: 'anytime' })
    expect(filterFromQuery({ range: 'custom' }).range).toBe('anytime')
  })
  it('asks for whole days of the reader', () => {
    const midnight = startOfDay(now).toISOString()
    expect(toPassQuery({ range: 'today' }, now)).toMatchObject({ from: midnight, to: undefined })
    const yesterday = toPassQuery({ range: 'yesterday' }, now)
    expect(yesterday.to).toBe(midnight)
    expect(new Date(yesterday.from ?? '').getHours()).toBe(0)
    expect(new Date(toPassQuery({ range: 'week' }, now).from ?? '').getDate()).toBe(27)
  })
})
