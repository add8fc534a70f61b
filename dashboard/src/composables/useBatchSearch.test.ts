import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { BatchAnswer, BatchItem } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import type { UploadOptions } from '@/api/upload'
import { batchCsv, likelyOf, outcomeOf } from '@/faces/batchReport'
import { i18n } from '@/i18n'
import { aHit, aPersonHit } from '@/testing/faces'
import { inScope } from '@/testing/mounting'
import { MAX_BATCH, sharesOf, useBatchSearch, type BatchSearchOptions } from './useBatchSearch'

const photo = (name: string, text = 'x', type = 'image/jpeg') => new File([text], name, { type })
const anItem = (change: Partial<BatchItem> = {}): BatchItem => ({
  index: 0,
  verdict: 'match',
  face: null,
  faces: 1,
  hits: [aHit({ sighting: null, person: aPersonHit() })],
  error: null,
  ...change,
})
const answerTo = (photos: readonly File[]): BatchAnswer => ({
  query_id: 'Q',
  items: photos.map((_, index) => anItem({ index })),
})
const wanted = { purpose: 'check' }

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:x')
  URL.revokeObjectURL = vi.fn()
})

function searching(options: BatchSearchOptions = {}) {
  const send = vi.fn(async (photos: readonly File[]) => answerTo(photos))
  const it = inScope(() => useBatchSearch({ send, lessen: async (file) => file, ...options })).value
  return { it, send }
}

describe('useBatchSearch', () => {
  it('searches all photos in one request and gives each its answer', async () => {
    const { it, send } = searching()
    it.add([photo('a.jpg'), photo('b.jpg')])
    await it.search(wanted)
    expect(send).toHaveBeenCalledTimes(1)
    expect(it.pictures.value.map(({ state, found }) => [state, found?.index])).toEqual([
      ['done', 0],
      ['done', 1],
    ])
    expect(it.open.value).toBe(0)
  })

  it('takes 64 photos and no more, and nothing that is no photo', () => {
    const { it } = searching()
    it.add([photo('a.txt', 'x', 'text/plain')])
    expect(it.fault.value).toBe('notImage')
    it.add(Array.from({ length: MAX_BATCH + 1 }, (_, n) => photo(`${n}.jpg`)))
    expect(it.pictures.value).toHaveLength(MAX_BATCH)
    expect(it.fault.value).toBe('tooMany')
  })

  it('asks again only for what came later; for all when nothing did', async () => {
    const { it, send } = searching()
    it.add([photo('a.jpg')])
    await it.search(wanted)
    it.add([photo('b.jpg')])
    await it.search(wanted)
    expect(send.mock.calls[1]?.[0].map((file) => file.name)).toEqual(['b.jpg'])
    await it.search(wanted)
    expect(send.mock.calls[2]?.[0]).toHaveLength(2)
  })

  it('shows how far each photo is, by the bytes that are sent', async () => {
    const seen: unknown[] = []
    const send = async (photos: readonly File[], _: object, options: UploadOptions) => {
      options.onProgress?.(0.75)
      seen.push(it.pictures.value.map(({ state, share }) => [state, share]))
      return answerTo(photos)
    }
    const { it } = searching({ send })
    it.add([photo('a.jpg', 'xx'), photo('b.jpg', 'xx')])
    await it.search(wanted)
    expect(seen).toEqual([
      [
        ['searching', 1],
        ['sending', 0.5],
      ],
    ])
    expect(sharesOf([0, 4], 1)).toEqual([1, 0.25])
  })

  it('leaves what is too much for one request for the next', async () => {
    const { it, send } = searching({ maxBytes: 5 })
    it.add([photo('a.jpg', 'xxx'), photo('b.jpg', 'xxx'), photo('c.jpg', 'xx')])
    await it.search(wanted)
    expect(send.mock.calls[0]?.[0].map((file) => file.name)).toEqual(['a.jpg', 'c.jpg'])
    expect(it.pictures.value.map(({ state }) => state)).toEqual(['done', 'left', 'done'])
  })

  it('keeps the photos when the search fails or is given up', async () => {
    const send = vi.fn().mockRejectedValueOnce(new RequestProblem({ status: 503 }))
    send.mockImplementation((_photos: File[], _wanted: object, { signal }: UploadOptions) => {
      it.cancel()
      return Promise.reject(signal?.reason ?? new Error('expected to be given up'))
    })
    const { it } = searching({ send })
    it.add([photo('a.jpg')])
    await it.search(wanted)
    expect(it.error.value).toBeInstanceOf(RequestProblem)
    await it.search(wanted)
    expect([it.error.value, it.busy.value]).toEqual([null, false])
    expect(it.pictures.value.map(({ state }) => state)).toEqual(['waiting'])
  })
})

describe('what a batch found', () => {
  const t = (key: string) => i18n.global.t(key)
  const low = aHit({ sighting: null, accepted: false, person: aPersonHit() })

  it.each([
    ['match', anItem(), 1],
    [
      'near_tie',
      anItem({ verdict: 'near_tie', hits: [aHit({ near_tie: true }), aHit({ near_tie: true })] }),
      2,
    ],
    ['unknown', anItem({ verdict: 'unknown', hits: [low] }), 0],
    ['no_face', anItem({ verdict: null, hits: [], error: 'no_face' }), 0],
    ['unreadable', anItem({ verdict: null, hits: [], error: 'truncated' }), 0],
  ] as const)('%s', (outcome, item, likely) => {
    expect(outcomeOf(item)).toBe(outcome)
    expect(likelyOf(item)).toHaveLength(likely)
  })

  it('becomes a table that a spreadsheet does not run', () => {
    const table = batchCsv([{ file: '=1+1,"x".jpg', found: anItem() }], t)
    expect(table).toContain(`1,"'=1+1,""x"".jpg",已识别,陈安,A-1,0.6,,,P1,\r\n`)
    expect(table.startsWith('\ufeff序号,照片')).toBe(true)
  })

  it('names nobody whose face does not reach the line', () => {
    const table = batchCsv([{ file: 'a.jpg', found: anItem({ verdict: 'unknown', hits: [low] }) }], t)
    expect(table).not.toContain('陈安')
  })
})
