import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, shallowRef } from 'vue'
import { RequestProblem } from '@/api/problem'
import type { Footage, FootageQuery, Pass } from '@/api/types'
import { aPass } from '@/testing/samples'
import { inScope, settle } from '@/testing/mounting'
import { useFootageVideo } from './useFootageVideo'
import { usePassClip } from './usePassClip'
import { useRecordings } from './useRecordings'

const MINUTE = 60_000
const BEGIN = Date.parse('2026-03-01T00:00:00.000Z')
const day = { start: BEGIN, end: BEGIN + 24 * 60 * MINUTE }

const someFootage = (minute: number, change: Partial<Footage> = {}): Footage => ({
  footage_id: `f${minute}`,
  camera_id: 'c1',
  camera_name: 'Gate',
  kind: 'recording',
  pass_id: null,
  started_at: new Date(BEGIN + minute * MINUTE).toISOString(),
  ended_at: new Date(BEGIN + (minute + 1) * MINUTE).toISOString(),
  mime: 'video/mp4; codecs="avc1.640028"',
  width: 1280,
  height: 720,
  bytes: 1000,
  video_url: `/api/v1/footage/f${minute}/video?ticket=old`,
  download_url: `/api/v1/footage/f${minute}/video?ticket=old&download=1`,
  boxes_url: null,
  ...change,
})

beforeEach(() => vi.useFakeTimers({ now: day.end + MINUTE }))
afterEach(() => vi.useRealTimers())

function recordings(pieces: Footage[], passes: Pass[] = []) {
  const list = vi.fn(async (query: FootageQuery) => ({
    items: pieces
      .filter(
        (one) =>
          one.kind === query.kind && one.ended_at > (query.from ?? '') && one.started_at < (query.to ?? ''),
      )
      .slice(0, query.limit),
    next: null,
  }))
  const { value, stop } = inScope(() =>
    useRecordings({
      camera: shallowRef('c1'),
      day: shallowRef(day),
      list,
      timeline: async () => ({ recorded: [], clips: [] }),
      passes: async () => ({ items: passes, next: null }),
    }),
  )
  return { value, list, stop }
}

describe('useRecordings', () => {
  it('plays from any second of the piece that holds it', async () => {
    const { value, list } = recordings([someFootage(1), someFootage(2)])
    await value.seek(BEGIN + 2.5 * MINUTE)
    expect(value.footage.value?.footage_id).toBe('f2')
    expect(value.cue.value.seconds).toBe(30)
    expect(value.position.value).toBe(BEGIN + 2.5 * MINUTE)
    const asked = list.mock.calls.length
    await value.seek(BEGIN + 2.25 * MINUTE)
    expect(value.cue.value.seconds).toBe(15)
    expect(list.mock.calls.length).toBe(asked) // it lies in the same piece
  })

  it('goes on with the next piece, and says what it skipped', async () => {
    const { value } = recordings([someFootage(1), someFootage(5)])
    await value.seek(BEGIN + MINUTE)
    expect(value.skipped.value).toBe(0)
    await value.next()
    expect(value.footage.value?.footage_id).toBe('f5')
    expect(Math.round(value.skipped.value / MINUTE)).toBe(3)
    await value.next()
    expect(value.footage.value).toBeNull()
  })

  it('takes a clip where nothing was recorded', async () => {
    const clip = someFootage(3, { kind: 'clip', footage_id: 'clip' })
    const { value } = recordings([someFootage(5), clip])
    await value.seek(BEGIN + 3.1 * MINUTE)
    expect(value.footage.value?.footage_id).toBe('clip')
    await value.seek(BEGIN + 5 * MINUTE)
    expect(value.footage.value?.footage_id).toBe('f5')
  })

  it('shows the events of the day oldest first, and says when it cannot', async () => {
    const { value } = recordings([], [aPass({ pass_id: 'late' }), aPass({ pass_id: 'early' })])
    await settle()
    expect(value.state.value).toBe('ready')
    expect(value.passes.value.map((pass) => pass.pass_id)).toEqual(['early', 'late'])
    const { value: broken } = inScope(() =>
      useRecordings({
        camera: shallowRef('c1'),
        day: shallowRef(day),
        timeline: () => Promise.reject(new RequestProblem({ status: 503 })),
        passes: async () => ({ items: [], next: null }),
      }),
    )
    await settle()
    expect(broken.state.value).toBe('failed')
  })

  it('forgets the answer for a moment that was left', async () => {
    const waiting: (() => void)[] = []
    const { value } = inScope(() =>
      useRecordings({
        camera: shallowRef('c1'),
        day: shallowRef(day),
        list: (query) =>
          new Promise((resolve) =>
            waiting.push(() =>
              resolve({
                items: query.kind === 'recording' ? [someFootage(Number(query.limit) * waiting.length)] : [],
                next: null,
              }),
            ),
          ),
        timeline: async () => ({ recorded: [], clips: [] }),
        passes: async () => ({ items: [], next: null }),
      }),
    )
    void value.seek(BEGIN)
    void value.seek(BEGIN + MINUTE)
    waiting.slice(0, 2).forEach((answer) => answer())
    await settle()
    expect(value.footage.value).toBeNull()
    waiting.slice(2).forEach((answer) => answer())
    await settle()
    expect(value.footage.value).not.toBeNull()
  })
})

describe('usePassClip', () => {
  const fresh = () => aPass({ closed_at: null, last_seen_at: new Date().toISOString() })

  it('waits for the clip of a pass that is fresh', async () => {
    const answers: (Footage | null)[] = [null, null, someFootage(1, { kind: 'clip' })]
    const { value, stop } = inScope(() =>
      usePassClip({ pass: shallowRef(fresh()), find: async () => answers.shift() ?? null }),
    )
    await settle()
    expect(value.state.value).toBe('coming')
    await vi.advanceTimersByTimeAsync(6500)
    expect(value.state.value).toBe('ready')
    stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['an old pass', aPass({ closed_at: '2026-02-01T08:00:00Z', last_seen_at: '2026-02-01T08:00:00Z' })],
    ['somebody protected', aPass({ protected: true })],
  ])('does not wait for %s', async (_name, pass) => {
    const { value } = inScope(() => usePassClip({ pass: shallowRef(pass), find: async () => null }))
    await settle()
    expect(value.state.value).toBe('none')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says when it cannot be asked for', async () => {
    const { value } = inScope(() =>
      usePassClip({
        pass: shallowRef(fresh()),
        find: () => Promise.reject(new RequestProblem({ status: 0 })),
      }),
    )
    await settle()
    expect(value.state.value).toBe('failed')
  })
})

describe('useFootageVideo', () => {
  const make = (footage: Footage, options: { playable?: boolean; renewed?: Footage | null } = {}) =>
    inScope(() =>
      useFootageVideo({
        video: shallowRef(null),
        footage: shallowRef(footage),
        playable: () => options.playable ?? true,
        boxes: async () => null,
        renew: async () => options.renewed ?? null,
      }),
    ).value

  it('says when this browser cannot play the codec, and loads nothing', () => {
    const video = make(someFootage(1), { playable: false })
    expect(video.state.value).toBe('unplayable')
    expect(video.source.value).toBeNull()
  })

  it('asks for a new address when the ticket has run out, and fails only after that', async () => {
    const video = make(someFootage(1), { renewed: someFootage(1, { video_url: '/new' }) })
    expect(video.state.value).toBe('loading')
    video.onReady()
    expect(video.state.value).toBe('ready')
    video.onError()
    await settle()
    expect(video.source.value).toBe('/new')
    video.onError()
    expect(video.state.value).toBe('failed')
    video.retry()
    await settle()
    expect(video.state.value).toBe('loading')
  })

  it('fails when the footage is gone', async () => {
    const video = make(someFootage(1))
    video.onError()
    await settle()
    await nextTick()
    expect(video.state.value).toBe('failed')
  })
})
