/** A movement as it is drawn and played: stops, the ways between them, and where somebody was at a moment. */
import type { LeftOut, Leg, Sighting, Trajectory } from '@/api/faceTypes'
import { distanceM, type Place } from './geo'

/** One sighting, in the order of time. */
export interface Stop {
  /** From 1, as written on the map and in the list. */
  number: number
  /** ms since the epoch. */
  at: number
  /** Null: neither the camera nor the photo has a position. */
  place: Place | null
  sighting: Sighting
  /** How it was reached from the one before on the line; null for the first and for what is not on the line. */
  leg: Leg | null
  /** Why it is not on the line, with the way that contradicts it; null: it is. */
  leftOut: (LeftOut & { leg: Leg | null }) | null
}

/** Stops at one place: one mark on the map. */
export interface Spot {
  key: string
  place: Place
  stops: Stop[]
  /** Nothing of it is on the line. */
  cut: boolean
}

/** A way between two stops of the line. */
export interface Way {
  key: string
  from: Stop & { place: Place }
  to: Stop & { place: Place }
  verdict: Leg['verdict']
}

export interface Track {
  stops: Stop[]
  spots: Spot[]
  ways: Way[]
  /** ms since the epoch. */
  start: number
  end: number
}

/** Stops nearer than this are one mark, metres. */
const SAME_SPOT_M = 3

const placeOf = ({ lon, lat }: Sighting): Place | null => (lon === null || lat === null ? null : { lon, lat })
const located = (stop: Stop | undefined): stop is Stop & { place: Place } =>
  stop != null && stop.place !== null

export function trackOf({ sightings, legs, left_out }: Trajectory): Track {
  const out = new Map(left_out.map((one) => [one.sighting_id, one]))
  const onLine = legs.filter((leg) => !out.has(leg.from_sighting_id) && !out.has(leg.to_sighting_id))
  const reached = new Map(onLine.map((leg) => [leg.to_sighting_id, leg]))

  /** The way between what was left out and what contradicts it, in whichever direction. */
  const against = ({ sighting_id, contradicts }: LeftOut) =>
    legs.find((leg) => {
      const ends = [leg.from_sighting_id, leg.to_sighting_id]
      return ends.includes(sighting_id) && contradicts !== null && ends.includes(contradicts)
    }) ?? null

  const stops = [...sightings]
    .sort((a, b) => Date.parse(a.seen_at) - Date.parse(b.seen_at))
    .map((sighting, index): Stop => {
      const left = out.get(sighting.sighting_id)
      return {
        number: index + 1,
        at: Date.parse(sighting.seen_at),
        place: placeOf(sighting),
        sighting,
        leg: reached.get(sighting.sighting_id) ?? null,
        leftOut: left === undefined ? null : { ...left, leg: against(left) },
      }
    })
  return {
    stops,
    spots: spotsOf(stops),
    ways: waysOf(stops, onLine),
    start: stops[0]?.at ?? 0,
    end: stops[stops.length - 1]?.at ?? 0,
  }
}

/** What a human called somebody else is no place where this person was: it gets no mark. */
function spotsOf(stops: Stop[]): Spot[] {
  const spots: Spot[] = []
  for (const stop of stops) {
    if (!located(stop) || stop.leftOut?.why === 'rejected') continue
    const known = spots.find((spot) => distanceM(spot.place, stop.place) < SAME_SPOT_M)
    const cut = stop.leftOut !== null
    if (known) {
      known.stops.push(stop)
      known.cut &&= cut
    } else spots.push({ key: stop.sighting.sighting_id, place: stop.place, stops: [stop], cut })
  }
  return spots
}

function waysOf(stops: Stop[], legs: readonly Leg[]): Way[] {
  const byId = new Map(stops.map((stop) => [stop.sighting.sighting_id, stop]))
  return legs.flatMap((leg) => {
    const from = byId.get(leg.from_sighting_id)
    const to = byId.get(leg.to_sighting_id)
    // one that nobody can have gone is no way
    if (!located(from) || !located(to) || leg.verdict === 'impossible') return []
    return [{ key: leg.to_sighting_id, from, to, verdict: leg.verdict }]
  })
}

/** The last stop at or before a moment; null before the first. */
export const stopAt = (track: Track, at: number): Stop | null =>
  track.stops.filter((stop) => stop.at <= at).at(-1) ?? null

/** How far a way is drawn beside the straight line, as a share of its length: there and back are two lines. */
const BEND = 0.09

/**
 * A place on a way, `part` from 0 to 1. Ways are bent to the left of their direction; nobody knows how somebody went, and
 * a line that lies on another one could not be told from it.
 */
export function placeOn(way: Way, part: number): Place {
  const { from, to } = way
  const shrink = Math.cos((from.place.lat * Math.PI) / 180) || 1
  const east = (to.place.lon - from.place.lon) * shrink
  const north = to.place.lat - from.place.lat
  const aside = 4 * BEND * part * (1 - part)
  return {
    lon: from.place.lon + (east * part - north * aside) / shrink,
    lat: from.place.lat + north * part + east * aside,
  }
}

/** Where somebody was at a moment: on a way, else where they were seen last. Null: nobody knows. */
export function placeAt(track: Track, at: number): Place | null {
  const way = track.ways.find((each) => each.from.at <= at && at < each.to.at)
  if (way !== undefined) return placeOn(way, (at - way.from.at) / (way.to.at - way.from.at))
  const known = track.stops.filter((stop) => stop.at <= at && stop.leftOut === null && located(stop))
  return known.at(-1)?.place ?? null
}

/** How many times faster than life. */
export const SPEEDS = [1, 10, 60, 300, 1800, 7200] as const
/** The whole plays in about this time. */
const WHOLE_MS = 30_000

export function fittingSpeed(track: Track): number {
  const wanted = (track.end - track.start) / WHOLE_MS
  return SPEEDS.find((speed) => speed >= wanted) ?? SPEEDS[SPEEDS.length - 1] ?? 1
}
