/** Polygons on a picture: corners as fractions of it. Pure; the server refuses what `flawOf` names. */

export type Point = [number, number]

export const MIN_POINTS = 3
export const MAX_POINTS = 32
export const MIN_AREA = 0.0001

/** Why a polygon cannot be saved. */
export type Flaw = 'few' | 'crossing' | 'small'

const DECIMALS = 10_000

const inside = (value: number) => Math.min(1, Math.max(0, value))

/** The nearest point of the picture, rounded as the server keeps it. */
export const onPicture = ([x, y]: Point): Point => [
  Math.round(inside(x) * DECIMALS) / DECIMALS,
  Math.round(inside(y) * DECIMALS) / DECIMALS,
]

export function areaOf(points: readonly Point[]): number {
  const twice = edgesOf(points).reduce((sum, [[x0, y0], [x1, y1]]) => sum + x0 * y1 - x1 * y0, 0)
  return Math.abs(twice) / 2
}

export function flawOf(points: readonly Point[]): Flaw | null {
  if (points.length < MIN_POINTS) return 'few'
  const edges = edgesOf(points)
  const crossing = edges.some((edge, index) => edges.slice(index + 1).some((other) => cross(edge, other)))
  if (crossing) return 'crossing'
  return areaOf(points) < MIN_AREA ? 'small' : null
}

/** The whole polygon moved, but no further than to the edge of the picture. */
export function shifted(points: readonly Point[], dx: number, dy: number): Point[] {
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y)
  const right = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx))
  const down = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy))
  return points.map(([x, y]) => onPicture([x + right, y + down]))
}

/** The middle of the edge that begins at each corner. */
export const middlesOf = (points: readonly Point[]): Point[] =>
  edgesOf(points).map(([[x0, y0], [x1, y1]]) => [(x0 + x1) / 2, (y0 + y1) / 2])

/** A rectangle to begin with, in the middle of the picture. */
export const rectangle = (): Point[] => [
  [0.3, 0.3],
  [0.7, 0.3],
  [0.7, 0.7],
  [0.3, 0.7],
]

/** Where it is, for a style. */
export const placeOf = ([x, y]: Point) => ({ left: `${x * 100}%`, top: `${y * 100}%` })

/** Where it is, in words. */
export const percentOf = ([x, y]: Point) => `${Math.round(x * 100)}%, ${Math.round(y * 100)}%`

const STEP = 0.005
const BIG_STEP = 0.05
const ARROWS: Record<string, Point> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** What an arrow key moves on a picture of this ratio, with shift ten times as far; null for another key. */
export function keyStep(event: Pick<KeyboardEvent, 'key' | 'shiftKey'>, ratio: number): Point | null {
  const arrow = ARROWS[event.key]
  if (arrow === undefined) return null
  const step = event.shiftKey ? BIG_STEP : STEP
  return [arrow[0] * step, arrow[1] * step * ratio]
}

type Edge = [Point, Point]

function edgesOf(points: readonly Point[]): Edge[] {
  return points.map((point, index) => [point, points[(index + 1) % points.length] ?? point])
}

/** Whether two edges go through each other; touching is no crossing. */
function cross(one: Edge, other: Edge): boolean {
  return side(one, other[0]) * side(one, other[1]) < 0 && side(other, one[0]) * side(other, one[1]) < 0
}

const side = ([[x0, y0], [x1, y1]]: Edge, [x, y]: Point) => (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
