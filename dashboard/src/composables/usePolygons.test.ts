import { describe, expect, it } from 'vitest'
import { areaOf, flawOf, middlesOf, onPicture, rectangle, shifted, type Point } from '@/polygon'
import { MAX_SHAPES, usePolygons } from './usePolygons'

const TRIANGLE: Point[] = [
  [0.1, 0.1],
  [0.5, 0.1],
  [0.5, 0.5],
]

describe('polygons', () => {
  it.each<[string, Point[], string | null]>([
    ['three corners', TRIANGLE, null],
    ['two corners', TRIANGLE.slice(1), 'few'],
    [
      'edges that cross',
      [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      'crossing',
    ],
    [
      'no area',
      [
        [0, 0],
        [0.5, 0.5],
        [1, 1],
      ],
      'small',
    ],
  ])('%s', (_, points, expected) => expect(flawOf(points)).toBe(expected))

  it('stay on the picture', () => {
    expect(onPicture([-1, 0.123456])).toEqual([0, 0.1235])
    expect(shifted(TRIANGLE, 9, -9)).toEqual([
      [0.6, 0],
      [1, 0],
      [1, 0.4],
    ])
    expect(areaOf(shifted(TRIANGLE, 9, -9))).toBeCloseTo(areaOf(TRIANGLE))
  })

  it('have a middle on each edge, also on the last', () => {
    const middles = middlesOf(rectangle())
    expect(middles).toHaveLength(4)
    expect(middles[3]?.map((at) => at.toFixed(2))).toEqual(['0.30', '0.50'])
  })
})

describe('usePolygons', () => {
  const drawn = () => {
    const polygons = usePolygons()
    polygons.begin('include')
    for (const point of TRIANGLE) polygons.place(point)
    polygons.finish(' Door ')
    return polygons
  }
  const only = (polygons: ReturnType<typeof usePolygons>) => {
    const [shape] = polygons.shapes.value
    if (shape === undefined || polygons.shapes.value.length !== 1) throw new Error('expected one shape')
    return shape
  }

  it('draws, selects what was drawn, and gives what the server takes', () => {
    const polygons = drawn()
    expect(polygons.selectedId.value).toBe(only(polygons).id)
    expect(polygons.zones()).toEqual([{ name: 'Door', kind: 'include', points: TRIANGLE }])
    expect(polygons.masks()).toEqual([])
  })

  it('finishes only with three corners', () => {
    const polygons = usePolygons()
    polygons.begin('mask')
    polygons.place([0, 0])
    polygons.place([1, 0])
    expect(polygons.finish('')).toBe(false)
    expect(polygons.draft.value?.points).toHaveLength(2)
  })

  it('undoes corner by corner, and does it again', () => {
    const polygons = drawn()
    polygons.undo()
    expect(polygons.shapes.value).toEqual([])
    expect(polygons.draft.value?.points).toHaveLength(3)
    polygons.undo()
    expect(polygons.draft.value?.points).toHaveLength(2)
    polygons.redo()
    polygons.redo()
    expect(polygons.zones()).toHaveLength(1)
    expect(polygons.canRedo.value).toBe(false)
  })

  it('takes a drag as one step, and two drags as two', () => {
    const polygons = drawn()
    const { id } = only(polygons)
    for (const x of [0.12, 0.14, 0.16]) polygons.movePoint(id, 0, [x, 0.1], 'drag 1')
    for (const x of [0.2, 0.3]) polygons.movePoint(id, 0, [x, 0.1], 'drag 2')
    expect(only(polygons).points[0]).toEqual([0.3, 0.1])
    polygons.undo()
    expect(only(polygons).points[0]).toEqual([0.16, 0.1])
    polygons.undo()
    expect(only(polygons).points[0]).toEqual([0.1, 0.1])
  })

  it('adds and removes corners, but keeps three', () => {
    const polygons = drawn()
    const { id } = only(polygons)
    polygons.insertPoint(id, 1, [0.3, 0.05], '')
    expect(only(polygons).points).toHaveLength(4)
    polygons.removePoint(id, 0)
    polygons.removePoint(id, 0)
    expect(only(polygons).points).toHaveLength(3)
  })

  it('says what cannot be saved', () => {
    const polygons = drawn()
    const { id } = only(polygons)
    polygons.rename(id, ' ')
    expect(polygons.flaws.value.get(id)).toBe('unnamed')
    polygons.rename(id, 'a')
    polygons.insertPoint(id, 3, [0.3, 0], '')
    expect(polygons.flaws.value.get(id)).toBe('crossing')
  })

  it('loads a camera without a step to undo, and knows when it is full', () => {
    const polygons = usePolygons()
    polygons.load({
      zones: [{ name: 'Street', kind: 'exclude', points: TRIANGLE }],
      privacy_masks: Array.from({ length: MAX_SHAPES }, () => TRIANGLE),
    })
    expect(polygons.canUndo.value).toBe(false)
    expect([polygons.isFull('mask'), polygons.isFull('include')]).toEqual([true, false])
    expect(polygons.masks()).toHaveLength(MAX_SHAPES)
  })
})
