/** Places on the earth. Everything is stored in WGS-84; some map servers of China draw in GCJ-02, up to 700 m beside it. */

/** Degrees, WGS-84. */
export interface Place {
  lon: number
  lat: number
}

const EARTH_RADIUS_M = 6_371_008.8
const RADIAN = Math.PI / 180
/** Krasovsky 1940, on which GCJ-02 is built. */
const AXIS_M = 6_378_245
const ECCENTRICITY_2 = 0.006693421622965943

/** Metres between two places, over the surface. */
export function distanceM(one: Place, other: Place): number {
  const dLat = (other.lat - one.lat) * RADIAN
  const dLon = (other.lon - one.lon) * RADIAN
  const half =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(one.lat * RADIAN) * Math.cos(other.lat * RADIAN) * Math.sin(dLon / 2) ** 2
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(half)))
}

/** GCJ-02 is defined for the mainland; a box around it, as every implementation has it. */
const shifted = ({ lon, lat }: Place) => lon > 73.66 && lon < 135.05 && lat > 3.86 && lat < 53.55

const wave = (x: number, one: number, two: number) =>
  ((one * Math.sin(x * Math.PI) + two * Math.sin((x / 3) * Math.PI)) * 2) / 3

/** Where a GCJ-02 map shows a WGS-84 place. */
export function toGcj02(place: Place): Place {
  if (!shifted(place)) return place
  const x = place.lon - 105
  const y = place.lat - 35
  const fine = ((20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2) / 3
  const slow = ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y / 30) * Math.PI)) * 2) / 3
  const north =
    -100 +
    2 * x +
    3 * y +
    0.2 * y * y +
    0.1 * x * y +
    0.2 * Math.sqrt(Math.abs(x)) +
    fine +
    wave(y, 20, 40) +
    slow
  const far = ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3
  const east =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + fine + wave(x, 20, 40) + far
  const angle = place.lat * RADIAN
  const root = 1 - ECCENTRICITY_2 * Math.sin(angle) ** 2
  const meridian = (AXIS_M * (1 - ECCENTRICITY_2)) / root ** 1.5
  const parallel = (AXIS_M / Math.sqrt(root)) * Math.cos(angle)
  return { lon: place.lon + east / parallel / RADIAN, lat: place.lat + north / meridian / RADIAN }
}
