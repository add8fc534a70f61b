// Two people change one person; and what an import says of pictures that it did not take.
import { flushPromises } from '@vue/test-utils'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { client, createClient } from '@/api/client'
import type { ImportLine } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import { valuesOf } from '@/faces/personDraft'
import { mergePerson } from '@/faces/personMerge'
import { reasonOf } from '@/faces/reasons'
import { i18n } from '@/i18n'
import en from '@/locales/faces/en'
import zh from '@/locales/faces/zh-CN'
import { aPerson } from '@/testing/faces'
import { mountPart } from '@/testing/mounting'
import EditDialog from './EditDialog.vue'
import ImportDrawer from './ImportDrawer.vue'

beforeEach(() => void (document.body.innerHTML = ''))

// the router loads its first page by itself
afterAll(() => vi.dynamicImportSettled())

const body = () => document.body.textContent ?? ''
const press = (words: string) =>
  [...document.querySelectorAll('button')].find((button) => button.textContent?.includes(words))?.click()

describe('mergePerson', () => {
  const before = valuesOf(aPerson({ list_ids: ['L1', 'L2'] }))

  it('takes over what only somebody else changed, and leaves what is typed', () => {
    const typed = { ...before, name: '陈安安' }
    const now = { ...before, note: '夜班', list_ids: ['L2', 'L1'] }
    expect(mergePerson(before, typed, now)).toEqual({
      values: { ...typed, note: '夜班' },
      taken: ['note'],
      disputed: [],
    })
  })

  it('keeps what is typed where both changed the same field to something else', () => {
    const typed = { ...before, note: 'mine', name: '王' }
    const merged = mergePerson(before, typed, { ...before, note: 'theirs', name: '王' })
    expect([merged.values.note, merged.disputed, merged.taken]).toEqual(['mine', ['note'], []])
  })
})

describe('EditDialog', () => {
  it('names the version that it changes, in the form that the service reads', async () => {
    const send = vi.fn<typeof fetch>(() => Promise.resolve(new Response('{}')))
    await createClient({ fetch: send }).call('/x', { method: 'PATCH', ifMatch: '2026-01-01' })
    expect(new Headers(send.mock.calls[0]?.[1]?.headers).get('If-Match')).toBe('"2026-01-01"')
  })

  it('shows what somebody else changed meanwhile, loses nothing, and saves the next time', async () => {
    const later = '2026-02-02T00:00:00.000Z'
    const now = aPerson({ note: '夜班', name: '陈大安', updated_at: later })
    const call = vi
      .spyOn(client, 'call')
      .mockRejectedValueOnce(new RequestProblem({ status: 412 }))
      .mockResolvedValue(now)
    const part = mountPart(EditDialog, { person: null })
    await part.setProps({ person: aPerson() })
    await flushPromises()
    const name = document.querySelector<HTMLInputElement>('input[aria-label="姓名"]')
    if (name === null) throw new Error('form: expected a name, got none')
    name.value = '陈小安'
    name.dispatchEvent(new Event('input'))
    await flushPromises()

    press('保存')
    await flushPromises()
    expect(body()).toContain('别人修改了此人的资料')
    expect(body()).toContain('姓名：现在是“陈大安”')
    expect(body()).toContain('备注：已更新为“夜班”')
    expect(name.value).toBe('陈小安')
    expect(part.emitted('saved')).toBeUndefined()

    press('保存')
    await flushPromises()
    expect(call).toHaveBeenLastCalledWith(
      '/faces/persons/P1',
      expect.objectContaining({
        ifMatch: later,
        json: expect.objectContaining({ name: '陈小安', note: '夜班' }) as unknown,
      }),
    )
    expect(part.emitted('saved')).toHaveLength(1)
  })
})

describe('reasons of an import', () => {
  const t = (key: string, values?: Record<string, unknown>) => i18n.global.t(key, values ?? {})

  it('have a hint each, in both languages', () => {
    for (const { reason, hint } of [zh.imports, en.imports, zh.faces, en.faces])
      expect(Object.keys(hint)).toEqual(Object.keys(reason))
  })

  it('name the column and the list that are wrong', () => {
    expect(reasonOf('bad_value', 'basis: expected one of consent', t).words).toContain('处理依据')
    expect(reasonOf('no_list', 'lists: expected one that exists, got 夜班', t).words).toContain('夜班')
  })

  it('of a later version are shown as the service says them', () => {
    expect(reasonOf('haunted', 'a ghost is in it', t)).toEqual({ words: 'a ghost is in it', hint: '' })
    expect(reasonOf('haunted', null, t).words).toBe('haunted')
  })

  it('lead to whom a face is like, and offer to import it anyway', async () => {
    const line = { line_no: 1, file: 'a.jpg', outcome: 'refused', detail: 'like 王卫', sample_id: null }
    const items: ImportLine[] = [{ ...line, outcome: 'refused', reason: 'face_of_other', person_id: 'P2' }]
    vi.spyOn(client, 'call').mockResolvedValue({ items, next: null })
    const it = { import_id: 'I', name: 'a.zip', accepted: 0, repeated: 0, refused: 1 }
    const part = mountPart(ImportDrawer, { it: null, mayManage: true })
    await part.setProps({ it })
    await flushPromises()
    expect(body()).toContain('这张脸更像另一个人')
    press('像谁')
    press('仍然录入')
    expect(part.emitted('person')).toEqual([['P2']])
    expect(part.emitted('anyway')).toHaveLength(1)
  })
})
