import { flushPromises } from '@vue/test-utils'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { client } from '@/api/client'
import type { Session, User } from '@/api/types'
import { usePhotoFile } from '@/composables/usePhotoFile'
import { draftOf, emptyPerson, faultsOf, valuesOf } from '@/faces/personDraft'
import { usualFilter, wantedOf } from '@/faces/searchFilter'
import { aHit, aPerson, aSeen, aSighting } from '@/testing/faces'
import { inScope, mountPart } from '@/testing/mounting'
import { aPass } from '@/testing/samples'
import { useSession } from '@/stores/session'
import NavRail from './app/NavRail.vue'
import DecisionTag from './faces/DecisionTag.vue'
import PhotoDrop from './faces/PhotoDrop.vue'
import QualityNote from './faces/QualityNote.vue'
import ScoreBar from './faces/ScoreBar.vue'
import PassDrawer from './pass/PassDrawer.vue'
import PassFeed from './pass/PassFeed.vue'
import EraseDialog from './people/EraseDialog.vue'
import PersonCard from './people/PersonCard.vue'
import HitCard from './search/HitCard.vue'
import TieCard from './search/TieCard.vue'
import TrackPurpose from './track/TrackPurpose.vue'

beforeEach(() => {
  document.body.innerHTML = ''
  URL.createObjectURL = vi.fn(() => 'blob:x')
  URL.revokeObjectURL = vi.fn()
})

/** Log somebody in who may do this, as an answer of the server does. */
async function allow(...permissions: string[]): Promise<void> {
  useSession()
  client.setSession({
    access_token: 't',
    user: { permissions, role: 'officer' } as unknown as User,
  } as Session)
  await flushPromises()
}

// the router loads its first page by itself
afterAll(() => vi.dynamicImportSettled())

describe('what is said about a face', () => {
  it('a decision is never only a colour, and one of a later version is shown as it is', () => {
    expect(mountPart(DecisionTag, { decision: 'near_tie' }).text()).toBe('难以区分')
    expect(mountPart(DecisionTag, { decision: 'psychic' }).text()).toBe('psychic')
  })

  it('a poor picture says what to do', () => {
    const text = mountPart(QualityNote, { reasons: ['dark', 'haunted'], good: false }).text()
    expect(text).toContain('光线太暗')
    expect(text).toContain('打开灯')
    expect(text).toContain('haunted')
  })

  it('likeness is a figure beside what it has to reach, and no percentage', () => {
    const text = mountPart(ScoreBar, { score: 0.614, threshold: 0.4 }).text()
    expect(text).toContain('0.61')
    expect(text).toContain('0.40')
    expect(text).not.toContain('%')
  })

  it('says that consent ends soon', () => {
    const soon = new Date(Date.now() + 86_400_000).toISOString()
    expect(mountPart(PersonCard, { person: aPerson({ expires_at: soon }) }).text()).toContain('到期')
    expect(mountPart(PersonCard, { person: aPerson() }).text()).not.toContain('到期')
  })
})

describe('TrackPurpose', () => {
  it('nobody is followed without a purpose, which goes without blanks at its ends', async () => {
    const part = mountPart(TrackPurpose, {})
    const say = async (text: string) => {
      await part.get('input').setValue(text)
      await part.get('form').trigger('submit')
    }
    await say(' x ')
    expect(part.emitted('ask')).toBeUndefined()
    expect(part.find('.missing').exists()).toBe(true)
    await say(' 寻找走失人员 ')
    expect(part.emitted('ask')).toEqual([['寻找走失人员']])
  })
})

describe('HitCard', () => {
  const card = (change: object = {}) =>
    mountPart(HitCard, {
      hit: aHit(),
      rank: 1,
      threshold: 0.4,
      decidable: true,
      rejectable: true,
      confirmed: false,
      busy: false,
      ...change,
    })

  it('lets a human say yes or no', async () => {
    const part = card()
    const [yes, no] = part.findAll('.decide button')
    await yes?.trigger('click')
    await no?.trigger('click')
    expect(part.emitted('confirm')).toHaveLength(1)
    expect(part.emitted('reject')).toHaveLength(1)
  })

  it('asks nothing where it is not known who is looked for, or it is decided', () => {
    expect(card({ decidable: false }).find('.decide').exists()).toBe(false)
    const decided = aHit({ sighting: aSighting({ decision: 'rejected' }) })
    expect(card({ hit: decided }).find('.decide').exists()).toBe(false)
  })

  it('warns of ties and of what was rejected before', () => {
    expect(card({ hit: aHit({ near_tie: true }) }).text()).toContain('难以区分')
    expect(card({ hit: aHit({ contradicted: true }) }).text()).toContain('曾被否定')
  })
})

describe('TieCard', () => {
  const tie = aSighting({
    decision: 'near_tie',
    runner_up_id: 'P2',
    runner_up_name: '王卫',
    runner_up_score: 0.58,
  })

  it('shows both and says who was chosen', async () => {
    const part = mountPart(TieCard, { sighting: tie, busy: false, keys: true })
    const both = part.findAll('.candidate')
    expect(both.map((each) => each.text())).toEqual([
      expect.stringContaining('陈安'),
      expect.stringContaining('王卫'),
    ])
    await both[1]?.trigger('click')
    expect(part.emitted('choose')).toEqual([['P2']])
  })

  it('takes no second click while the first is on its way', () => {
    const part = mountPart(TieCard, { sighting: tie, busy: true, keys: false })
    expect(part.findAll('.candidate').every((each) => each.attributes('disabled') !== undefined)).toBe(true)
  })
})

describe('PhotoDrop', () => {
  it('takes a dropped photo and shows it; what is no picture is refused in words', async () => {
    const photo = inScope(usePhotoFile).value
    const part = mountPart(PhotoDrop, { photo, label: '照片' })
    const drop = (file: File) => part.trigger('drop', { dataTransfer: { files: [file] } })
    await drop(new File(['x'], 'a.txt', { type: 'text/plain' }))
    expect(part.get('[role=alert]').text()).toContain('不是图片')
    expect(part.emitted('taken')).toBeUndefined()
    await drop(new File(['x'], 'a.jpg', { type: 'image/jpeg' }))
    expect(part.emitted('taken')).toHaveLength(1)
    expect(part.find('img').exists()).toBe(true)
  })
})

describe('EraseDialog', () => {
  it('erases nobody before the name is typed and a reason is given', async () => {
    const call = vi
      .spyOn(client, 'call')
      .mockResolvedValue({ removed: { persons: 1, samples: 2, queries: 0 } })
    const part = mountPart(EraseDialog, { person: null })
    await part.setProps({ person: aPerson() })
    await flushPromises()
    const dialog = document.querySelector('.el-dialog')
    expect(dialog?.textContent).toContain('人脸照片2')
    const button = () => dialog?.querySelector<HTMLButtonElement>('.el-button--danger')
    const [reason, name] = [...(dialog?.querySelectorAll('input') ?? [])]
    if (!reason || !name) throw new Error('dialog: expected two fields')
    const type = async (field: HTMLInputElement, text: string) => {
      field.value = text
      field.dispatchEvent(new Event('input'))
      await flushPromises()
    }
    await type(reason, '本人要求')
    await type(name, '陈')
    expect(button()?.disabled).toBe(true)
    await type(name, '陈安')
    expect(button()?.disabled).toBe(false)
    button()?.click()
    await flushPromises()
    expect(call).toHaveBeenLastCalledWith('/faces/persons/P1/erasure', {
      method: 'POST',
      json: { reason: '本人要求', dry_run: false },
    })
    expect(part.emitted('erased')).toHaveLength(1)
  })
})

describe('PassFeed with alerts', () => {
  it('shows somebody of a watch list among the passes by time, whatever the filter', async () => {
    const part = mountPart(PassFeed, {
      passes: [aPass(), aPass({ pass_id: 'p2', opened_at: '2026-03-01T08:02:00.000Z', protected: true })],
      alerts: [aSeen({ seen_at: '2026-03-01T08:01:00.000Z' })],
      state: 'ready',
      error: null,
    })
    expect(part.findAll('li').map((row) => row.text().includes('重点关注'))).toEqual([false, true, false])
    await part.findAll('[role=group] button')[1]?.trigger('click')
    expect(part.findAll('li')).toHaveLength(2)
    await part.get('.watch').trigger('click')
    expect(part.emitted('alert')?.[0]).toEqual([expect.objectContaining({ sighting_id: 'S1' })])
  })
})

describe('rights', () => {
  it.each([
    [[], ['实时监看', '摄像头']],
    [
      ['face.view', 'face.search'],
      ['实时监看', '找人', '轨迹', '布控告警', '人员', '摄像头'],
    ],
    [['face.audit'], ['实时监看', '找人', '摄像头']],
  ])('with %j the navigation offers what can be used', async (permissions, names) => {
    const part = mountPart(NavRail)
    await allow(...permissions)
    expect(part.findAll('.entry').map((entry) => entry.text())).toEqual(names)
  })

  it('only who may search is offered to find the person of an event', async () => {
    mountPart(PassDrawer, { passes: [aPass()], open: 'p1' })
    await allow('pass.read')
    expect(document.body.textContent).not.toContain('查找此人')
    await allow('pass.read', 'face.search')
    expect(document.body.textContent).toContain('查找此人')
  })
})

describe('the form of a person', () => {
  const now = Date.parse('2026-03-01T08:00:00Z')

  it('needs a name, and of consent the day', () =>
    expect(faultsOf(emptyPerson(), now)).toEqual({
      name: 'people.needName',
      consented_at: 'people.needConsent',
    }))

  it('needs no consent where the law or a contract is the basis', () =>
    expect(faultsOf({ ...emptyPerson(), name: '陈安', basis: 'duty' }, now)).toEqual({}))

  it('refuses consent to come, an end that is past, and texts that are too long', () => {
    const values = { ...valuesOf(aPerson()), note: 'x'.repeat(501), consented_at: now + 1, expires_at: now }
    expect(Object.keys(faultsOf(values, now)).sort()).toEqual(['consented_at', 'expires_at', 'note'])
  })

  it('sends what it was given back, and an empty number as none', () => {
    const person = aPerson({ expires_at: '2027-01-01T00:00:00.000Z', list_ids: ['L1'] })
    expect(draftOf(valuesOf(person))).toMatchObject({ expires_at: person.expires_at, list_ids: ['L1'] })
    expect(draftOf({ ...emptyPerson(), name: ' 陈安 ', external_ref: '  ' })).toMatchObject({
      name: '陈安',
      external_ref: null,
    })
  })
})

describe('the filter of a search', () => {
  const now = Date.parse('2026-03-08T08:00:00Z')
  const chosen = { camera_ids: ['c1'], list_ids: ['L1'], mask_state: 'with_mask' as const }

  it('asks persons for nothing that only sightings have', () =>
    expect(wantedOf({ ...usualFilter('persons'), ...chosen }, now)).toEqual({
      of: 'persons',
      top_k: 20,
      threshold: undefined,
      list_ids: ['L1'],
    }))

  it("asks sightings of a week, or of a time of one's own", () => {
    expect(wantedOf({ ...usualFilter('sightings'), ...chosen }, now)).toMatchObject({
      from: '2026-03-01T08:00:00.000Z',
      to: undefined,
      camera_ids: ['c1'],
      mask_state: 'with_mask',
    })
    const own = { ...usualFilter('sightings'), range: 'custom' as const, from: 0, to: now }
    expect(wantedOf(own, now)).toMatchObject({
      from: '1970-01-01T00:00:00.000Z',
      to: '2026-03-08T08:00:00.000Z',
    })
  })
})
