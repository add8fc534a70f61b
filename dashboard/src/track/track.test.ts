import { describe, expect, it } from 'vitest'
import type { Trajectory } from '@/api/faceTypes'
import { aLeg, aSighting, aTrajectory } from '@/testing/faces'
import { keepTiles, NO_TILES, readTiles, tileFault } from './background'
import { distanceM, toGcj02 } from './geo'
import { fittingSpeed, placeAt, placeOn, stopAt, trackOf } from './track'

const minute = (n: number) => `2026-03-01T08:${String(n).padStart(2, '0')}:00.000Z`
const at = (n: number) => Date.parse(minute(n))
const seen = (id: string, n: number, lon: number | null, lat = 39.9) =>
  aSighting({ sighting_id: id, seen_at: minute(n), lon, lat: lon === null ? null : lat })

/** Gate, yard, gate again; one on the other side of the town that nobody believes; one without a place. */
const walk = (): Trajectory =>
  aTrajectory({
    sightings: [
      seen('far', 3, 116.9),
      seen('a', 0, 116.39),
      seen('b', 2, 116.392),
      seen('c', 6, 116.39),
      seen('blind', 8, null),
    ],
    legs: [
      aLeg({ from_sighting_id: 'a', to_sighting_id: 'b' }),
      aLeg({ from_sighting_id: 'b', to_sighting_id: 'c', verdict: 'doubtful', doubts: ['weak_score'] }),
      aLeg({
        from_sighting_id: 'b',
        to_sighting_id: 'far',
        verdict: 'impossible',
        doubts: ['impossible'],
        least_speed_m_s: 700,
      }),
    ],
    left_out: [
      { sighting_id: 'far', why: 'impossible', contradicts: 'b', disputed: false },
      { sighting_id: 'blind', why: 'no_place', contradicts: null, disputed: false },
    ],
  })

describe('trackOf', () => {
  const track = trackOf(walk())

  it('numbers sightings in the order of time, whatever order they came in', () =>
    expect(track.stops.map((stop) => [stop.number, stop.sighting.sighting_id])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'far'],
      [4, 'c'],
      [5, 'blind'],
    ]))

  it('draws what one body can have gone, and cuts what it cannot', () => {
    expect(track.ways.map((way) => [way.from.sighting.sighting_id, way.to.sighting.sighting_id])).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ])
    expect(track.ways[1]?.verdict).toBe('doubtful')
    expect(track.spots.find((spot) => spot.key === 'far')?.cut).toBe(true)
  })

  it('says what would have been impossible', () => {
    const far = track.stops[2]
    expect(far?.leg).toBeNull()
    expect(far?.leftOut?.leg?.least_speed_m_s).toBe(700)
  })

  it('makes one mark of one place, and none of what has no place', () => {
    expect(track.spots.map((spot) => spot.stops.map((stop) => stop.sighting.sighting_id))).toEqual([
      ['a', 'c'],
      ['b'],
      ['far'],
    ])
  })

  it('marks no place where a human said that it was somebody else', () => {
    const wrong = walk()
    wrong.left_out[0] = { sighting_id: 'far', why: 'rejected', contradicts: null, disputed: false }
    expect(trackOf(wrong).spots.map((spot) => spot.key)).toEqual(['a', 'b'])
  })

  it('lives with nothing', () => {
    const nothing = trackOf(aTrajectory())
    expect(nothing.stops).toEqual([])
    expect(placeAt(nothing, at(0))).toBeNull()
    expect(fittingSpeed(nothing)).toBe(1)
  })
})

describe('playing a track', () => {
  const track = trackOf(walk())

  it('is nowhere before the first sighting, and stays at the last known place', () => {
    expect(placeAt(track, at(0) - 1)).toBeNull()
    expect(placeAt(track, at(30))).toEqual({ lon: 116.39, lat: 39.9 })
  })

  it('goes from stop to stop and never to what was cut', () => {
    expect(placeAt(track, at(0))?.lon).toBeCloseTo(116.39, 9)
    const half = placeAt(track, at(1))
    expect(half?.lon).toBeCloseTo(116.391, 9)
    expect(placeAt(track, at(3))?.lon).toBeLessThan(116.393)
  })

  it('bends there and back to different sides, so that both can be seen', () => {
    const [there, back] = track.ways
    if (!there || !back) throw new Error('track: expected two ways')
    expect(placeOn(there, 0.5).lat).toBeGreaterThan(39.9)
    expect(placeOn(back, 0.5).lat).toBeLessThan(39.9)
  })

  it('knows the stop of a moment', () => {
    expect(stopAt(track, at(0) - 1)).toBeNull()
    expect(stopAt(track, at(2))?.number).toBe(2)
    expect(stopAt(track, at(7))?.number).toBe(4)
  })

  it('plays eight minutes in about half a minute', () => expect(fittingSpeed(track)).toBe(60))
})

describe('places', () => {
  it('measures over the surface', () => {
    // a degree of longitude at the equator
    expect(distanceM({ lon: 0, lat: 0 }, { lon: 1, lat: 0 })).toBeCloseTo(111_195, -1)
    expect(distanceM({ lon: 116.39, lat: 39.9 }, { lon: 116.39, lat: 39.9 })).toBe(0)
  })

  it('finds the place on a GCJ-02 map', () => {
    // a pair that is quoted everywhere
    const place = toGcj02({ lon: 116.404, lat: 39.915 })
    expect(place.lon).toBeCloseTo(116.41024, 5)
    expect(place.lat).toBeCloseTo(39.9164, 4)
  })

  it('leaves other countries alone', () =>
    expect(toGcj02({ lon: 11.57, lat: 48.13 })).toEqual({ lon: 11.57, lat: 48.13 }))
})

describe('background', () => {
  const storage = (kept: string | null) => ({ getItem: () => kept })

  it.each(['javascript:alert(1)//{z}{x}{y}', '/tiles/{z}/{x}.png', 'tiles/{z}/{x}/{y}'])(
    'refuses %s',
    (url) => expect(tileFault(url)).toBe(true),
  )
  it.each(['', '/tiles/{z}/{x}/{y}.png', 'https://maps.example/{z}/{x}/{y}'])('takes "%s"', (url) =>
    expect(tileFault(url)).toBe(false),
  )

  it('keeps the choice of this browser', () => {
    let kept: string | null = null
    const chosen = { url: '/t/{z}/{x}/{y}.png', system: 'gcj02' as const, attribution: '' }
    keepTiles(chosen, { setItem: (_name, value) => (kept = value) })
    expect(readTiles(storage(kept))).toEqual(chosen)
    keepTiles(NO_TILES, { setItem: (_name, value) => (kept = value) })
    // none at all is a choice too
    expect(readTiles(storage(kept))).toEqual(NO_TILES)
  })

  it.each([null, 'no json', '3', '{"url":"javascript:{z}{x}{y}"}', '{"url":4}'])('forgets %s', (kept) =>
    expect(readTiles(storage(kept))).toBeNull(),
  )
})
