import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Examined, ExaminedFace, FaceSample, PersonDraft } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import { draftOf, emptyPerson } from '@/faces/personDraft'
import { aPerson } from '@/testing/faces'
import { inScope } from '@/testing/mounting'
import { othersOf, reasonsOf, useEnrolment } from './useEnrolment'

const photo = (name = 'a.jpg') => new File(['x'], name, { type: 'image/jpeg' })

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:x')
  URL.revokeObjectURL = vi.fn()
})

describe('useEnrolment', () => {
  const draft: PersonDraft = draftOf({ ...emptyPerson(), name: '陈安' })
  const face = (change: Partial<ExaminedFace> = {}): ExaminedFace => ({
    box: { x0: 0, y0: 0, x1: 1, y1: 1 },
    score: 0.9,
    quality: 0.8,
    quality_reasons: [],
    hints: {},
    mask_state: 'without_mask',
    covered: false,
    usable: true,
    ...change,
  })
  const examined = (faces: ExaminedFace[]): Examined => ({ width: 9, height: 9, faces })
  const refusal = (type: string, errors: { field: string; message: string }[], status = 422) =>
    new RequestProblem({ status, type, errors })
  const kept = {} as FaceSample

  it('sends what is good and leaves out what is not', async () => {
    const answers = [[face()], [face({ usable: false, quality_reasons: ['dark'] })], []]
    const send = vi.fn(async () => kept)
    const { value } = inScope(() =>
      useEnrolment({
        examine: async () => examined(answers.shift() ?? []),
        makePerson: async () => aPerson(),
        send,
      }),
    )
    await value.add([photo('good.jpg'), photo('dark.jpg'), photo('tree.jpg')])
    expect(value.shots.value.map((shot) => [shot.state, shot.reasons])).toEqual([
      ['good', []],
      ['poor', ['dark']],
      ['poor', ['no_face']],
    ])
    await value.save(draft)
    expect(send).toHaveBeenCalledOnce()
    expect(value.shots.value[0]?.state).toBe('kept')
  })

  it('makes the person once, however often it has to be tried', async () => {
    const makePerson = vi.fn(async () => aPerson())
    const send = vi
      .fn()
      .mockRejectedValueOnce(new RequestProblem({ status: 503 }))
      .mockResolvedValue(kept)
    const { value } = inScope(() =>
      useEnrolment({ examine: async () => examined([face()]), makePerson, send }),
    )
    await value.add([photo()])
    await expect(value.save(draft)).rejects.toThrow()
    expect(value.shots.value[0]?.state).toBe('good')
    await value.save(draft)
    expect(makePerson).toHaveBeenCalledOnce()
    expect(value.shots.value[0]?.state).toBe('kept')
  })

  it('uses the same key until the server has refused', async () => {
    const keys: string[] = []
    const answers = [new RequestProblem({ status: 0 }), refusal('#ref_taken', [], 409), null]
    const makePerson = async (_draft: PersonDraft, key: string) => {
      keys.push(key)
      const error = answers.shift()
      if (error) throw error
      return aPerson()
    }
    const { value } = inScope(() => useEnrolment({ makePerson }))
    await expect(value.save(draft)).rejects.toThrow()
    await expect(value.save(draft)).rejects.toThrow()
    await value.save(draft)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
  })

  it('believes the server about quality and likeness, and lets a human insist', async () => {
    const send = vi
      .fn()
      .mockRejectedValueOnce(refusal('#face_quality', [{ field: 'quality', message: 'blurred' }]))
      .mockRejectedValueOnce(refusal('#face_of_other', [{ field: 'person.P7', message: '王卫' }], 409))
      .mockResolvedValue(kept)
    const { value } = inScope(() => useEnrolment({ examine: async () => examined([face()]), send }))
    await value.add([photo('1.jpg'), photo('2.jpg')])
    await value.save(null, 'P1')
    expect(value.shots.value.map((shot) => shot.state)).toEqual(['poor', 'other'])
    expect(value.shots.value[1]?.others).toEqual([{ person_id: 'P7', name: '王卫' }])
    value.insist(value.shots.value[1]?.id ?? 0)
    await value.save(null, 'P1')
    expect(send).toHaveBeenLastCalledWith('P1', expect.any(File), ['P7'])
    expect(value.shots.value[1]?.state).toBe('kept')
  })

  it('reads no reasons out of other refusals', () => {
    expect(reasonsOf(refusal('#validation', [{ field: 'photo', message: 'expected one file' }]))).toEqual([])
    expect(othersOf(new Error('x'))).toEqual([])
  })

  it('asks again about a picture whose examination failed', async () => {
    const examine = vi
      .fn()
      .mockRejectedValueOnce(new RequestProblem({ status: 0 }))
      .mockResolvedValue(examined([face()]))
    const { value } = inScope(() => useEnrolment({ examine }))
    await value.add([photo()])
    expect(value.shots.value[0]?.state).toBe('failed')
    await value.again(value.shots.value[0]?.id ?? 0)
    expect(value.shots.value[0]?.state).toBe('good')
  })
})
