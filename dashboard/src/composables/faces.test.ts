import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { shallowRef } from 'vue'
import type { SearchAnswer } from '@/api/faceTypes'
import { RequestProblem } from '@/api/problem'
import { aDecided, aHit, aLeg, anAnswer, aSighting, aTrajectory } from '@/testing/faces'
import { inScope, settle } from '@/testing/mounting'
import { trackOf } from '@/track/track'
import { useFaceCamera } from './useFaceCamera'
import { useFaceSearch } from './useFaceSearch'
import { useLoaded } from './useLoaded'
import { photoFault, usePhotoFile } from './usePhotoFile'
import { usePolledPages } from './usePolledPages'
import { useReviewQueue } from './useReviewQueue'
import { useTrackPlayer } from './useTrackPlayer'

const photo = (name = 'a.jpg', bytes = 3, type = 'image/jpeg') =>
  new File([new Uint8Array(bytes)], name, { type })
const wanted = { purpose: 'find', of: 'persons' as const }

/** A promise with its ends outside. */
function later<T>() {
  let done: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => (done = resolve))
  return { promise, done }
}

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:x')
  URL.revokeObjectURL = vi.fn()
})

describe('photos', () => {
  it.each([
    [photo(), null],
    [photo('a.heic', 3, ''), null],
    [photo('a.pdf', 3, 'application/pdf'), 'notImage'],
    [photo('a.jpg', 20 * 1024 * 1024 + 1), 'tooLarge'],
  ])('are looked at before they travel', (file, fault) => expect(photoFault(file)).toBe(fault))

  it('stay when the next one is refused, and are let go at the end', () => {
    const { value, stop } = inScope(usePhotoFile)
    expect(value.take(photo())).toBe(true)
    expect(value.take(photo('b.txt', 1, 'text/plain'))).toBe(false)
    expect(value.file.value?.name).toBe('a.jpg')
    expect(value.fault.value).toBe('notImage')
    stop()
    expect(URL.revokeObjectURL).toHaveBeenCalledOnce()
  })
})

describe('useFaceSearch', () => {
  it('goes on page by page and shows nobody twice', async () => {
    const pages = [
      anAnswer({ hits: [aHit()], next: 'more' }),
      anAnswer({ hits: [aHit(), aHit({ sighting: aSighting({ sighting_id: 'S2' }) })] }),
    ]
    const byId = vi.fn(async () => pages.shift() ?? anAnswer())
    const { value } = inScope(() => useFaceSearch({ byId }))
    await value.search(null, { ...wanted, sighting_id: 'S9' })
    await value.loadMore()
    expect(value.hits.value.map((hit) => hit.sighting?.sighting_id)).toEqual(['S1', 'S2'])
    expect(byId).toHaveBeenLastCalledWith(
      expect.objectContaining({ after: 'more', sighting_id: 'S9' }),
      expect.anything(),
    )
    expect(value.hasMore.value).toBe(false)
  })

  it('forgets the answer to a question that nobody asks any more', async () => {
    const slow = later<SearchAnswer>()
    const byPhoto = vi.fn(async (_photo: Blob, asked: { purpose: string }) =>
      asked.purpose === 'slow' ? slow.promise : anAnswer({ query_id: 'quick' }),
    )
    const { value } = inScope(() => useFaceSearch({ byPhoto }))
    const first = value.search(photo(), { ...wanted, purpose: 'slow' })
    await value.search(photo(), wanted)
    slow.done(anAnswer({ query_id: 'slow' }))
    await first
    expect(value.answer.value?.query_id).toBe('quick')
    expect(value.hits.value).toHaveLength(1)
  })

  it('says why it failed, and asks the same again', async () => {
    let away = true
    const byPhoto = vi.fn(async () => {
      if (away) throw new RequestProblem({ status: 503 })
      return anAnswer()
    })
    const { value } = inScope(() => useFaceSearch({ byPhoto }))
    await value.search(photo(), wanted)
    expect(value.state.value).toBe('failed')
    away = false
    await value.again()
    expect(value.state.value).toBe('done')
  })

  it('keeps what is shown when a further page fails', async () => {
    const byId = vi.fn(async (asked: { after?: string }) => {
      if (asked.after) throw new RequestProblem({ status: 0 })
      return anAnswer({ next: 'more' })
    })
    const { value } = inScope(() => useFaceSearch({ byId }))
    await value.search(null, wanted)
    await value.loadMore()
    expect(value.hits.value).toHaveLength(1)
    expect(value.error.value).not.toBeNull()
    expect(value.hasMore.value).toBe(true)
  })
})

describe('useReviewQueue', () => {
  const ties = () => ['S1', 'S2', 'S3'].map((sighting_id) => aSighting({ sighting_id, decision: 'near_tie' }))
  const open = (change: object = {}) =>
    inScope(() => useReviewQueue({ list: async () => ({ items: ties() }), ...change })).value

  it('takes out what is decided and shows the next', async () => {
    const confirm = vi.fn(async () => aDecided())
    const queue = open({ confirm })
    await settle()
    await queue.choose('P2')
    expect(confirm).toHaveBeenCalledWith('S1', 'P2')
    expect(queue.current.value?.sighting_id).toBe('S2')
    expect(queue.waiting.value).toBe(2)
  })

  it('puts what is skipped behind the others', async () => {
    const queue = open()
    await settle()
    queue.skip()
    expect(queue.current.value?.sighting_id).toBe('S2')
    queue.skip()
    queue.skip()
    expect(queue.current.value?.sighting_id).toBe('S1')
    expect(queue.waiting.value).toBe(3)
  })

  it('keeps what the server refused', async () => {
    const queue = open({ reject: async () => Promise.reject(new RequestProblem({ status: 409 })) })
    await settle()
    await expect(queue.neither()).rejects.toThrow()
    expect(queue.current.value?.sighting_id).toBe('S1')
    expect(queue.busy.value).toBe(false)
  })

  it('takes the last decision back', async () => {
    const undo = vi.fn(async () => undefined)
    const queue = open({ reject: async () => aDecided({ change_id: 'G7' }), undo })
    await settle()
    await queue.neither()
    expect(queue.undoable.value).toBe(true)
    await queue.undo()
    expect(undo).toHaveBeenCalledWith('G7')
    expect(queue.waiting.value).toBe(3)
    expect(queue.undoable.value).toBe(false)
  })
})

describe('useTrackPlayer', () => {
  const sightings = [0, 10, 20].map((minute) =>
    aSighting({ sighting_id: `S${minute}`, seen_at: new Date(minute * 60_000).toISOString() }),
  )
  const track = trackOf(
    aTrajectory({ sightings, legs: [aLeg({ from_sighting_id: 'S0', to_sighting_id: 'S10' })] }),
  )

  function open(value = track) {
    let run: ((now: number) => void) | null = null
    const player = inScope(() =>
      useTrackPlayer({
        track: shallowRef(value),
        nextFrame: (next) => {
          run = next
          return 1
        },
        cancelFrame: () => (run = null),
      }),
    ).value
    const frame = (now: number) => {
      const next = run
      run = null
      next?.(now)
    }
    return { player, frame }
  }

  it('shows the end first, and plays from the beginning to the end', () => {
    const { player, frame } = open()
    expect(player.at.value).toBe(track.end)
    player.speed.value = 7200
    player.toggle()
    expect(player.at.value).toBe(track.start)
    frame(0)
    frame(50)
    expect(player.at.value).toBe(track.start + 50 * 7200)
    for (let now = 100; now < 400; now += 50) frame(now)
    expect(player.at.value).toBe(track.end)
    expect(player.playing.value).toBe(false)
  })

  it('does not jump when the tab was away', () => {
    const { player, frame } = open()
    player.speed.value = 1
    player.toggle()
    frame(0)
    frame(60_000)
    expect(player.at.value).toBe(track.start + 100)
  })

  it('steps from stop to stop and stays inside', () => {
    const { player } = open()
    player.seek(-5)
    expect(player.at.value).toBe(track.start)
    player.step(1)
    expect(player.stop.value?.sighting.sighting_id).toBe('S10')
    player.step(-1)
    player.step(-1)
    expect(player.at.value).toBe(track.start)
  })

  it('does not play what has no length', () => {
    const { player } = open(trackOf(aTrajectory({ sightings: sightings.slice(0, 1) })))
    player.toggle()
    expect(player.playing.value).toBe(false)
  })
})

describe('useLoaded', () => {
  it('forgets the answer for a key that nobody wants any more', async () => {
    const key = shallowRef<string | null>('slow')
    const slow = later<string>()
    const load = (which: string) => (which === 'slow' ? slow.promise : Promise.resolve(which))
    const { value } = inScope(() => useLoaded({ key, load }))
    key.value = 'quick'
    await settle()
    slow.done('slow')
    await settle()
    expect(value.value.value).toBe('quick')
    key.value = null
    await settle()
    expect(value.value.value).toBeNull()
    expect(value.state.value).toBe('idle')
  })

  it('keeps what it shows when asking again fails', async () => {
    const load = vi.fn().mockResolvedValueOnce('here').mockRejectedValue(new Error('away'))
    const { value } = inScope(() => useLoaded({ key: shallowRef('k'), load }))
    await settle()
    await value.refresh()
    expect(value.value.value).toBe('here')
    expect(value.state.value).toBe('ready')
    expect(value.error.value).not.toBeNull()
  })
})

describe('usePolledPages', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('asks again only while something moves and somebody looks', async () => {
    const answers = [true, true, false]
    const list = vi.fn(async () => ({ items: [{ id: 'i', moving: answers.shift() ?? false }] }))
    const active = shallowRef(false)
    const { stop } = inScope(() =>
      usePolledPages({
        filter: shallowRef({}),
        list,
        key: (item) => item.id,
        moving: (item) => item.moving,
        active,
      }),
    )
    await vi.advanceTimersByTimeAsync(6000)
    expect(list).toHaveBeenCalledOnce()
    active.value = true
    await vi.advanceTimersByTimeAsync(12_000)
    expect(list).toHaveBeenCalledTimes(3)
    stop()
  })
})

describe('useFaceCamera', () => {
  const video = () => ({ play: async () => undefined, srcObject: null }) as unknown as HTMLVideoElement
  it.each([
    ['SecurityError', 'insecure'],
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
  ])('says why there is no camera: %s', async (name, fault) => {
    const { value } = inScope(() =>
      useFaceCamera({ open: () => Promise.reject(new DOMException('no', name)) }),
    )
    await value.start(video())
    expect(value.fault.value).toBe(fault)
    expect(value.running.value).toBe(false)
  })

  it('switches the camera off when it is left, also while it still opens', async () => {
    const stopTrack = vi.fn()
    const opening = later<MediaStream>()
    const { value, stop } = inScope(() => useFaceCamera({ open: () => opening.promise }))
    const starting = value.start(video())
    stop()
    opening.done({ getTracks: () => [{ stop: stopTrack }] } as unknown as MediaStream)
    await starting
    expect(stopTrack).toHaveBeenCalledOnce()
    expect(value.running.value).toBe(false)
  })
})
