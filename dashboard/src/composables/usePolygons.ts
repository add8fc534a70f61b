/** The zones and privacy masks of one camera while they are drawn: corners, names, selection, undo. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import type { Camera } from '@/api/types'
import {
  flawOf,
  MAX_POINTS,
  MIN_POINTS,
  onPicture,
  rectangle,
  shifted,
  type Flaw,
  type Point,
} from '@/polygon'

export type Role = 'include' | 'exclude' | 'mask'

export interface Shape {
  id: number
  role: Role
  /** Empty for masks. */
  name: string
  points: readonly Point[]
}

export interface Draft {
  role: Role
  points: readonly Point[]
}

interface Moment {
  shapes: readonly Shape[]
  draft: Draft | null
}

/** The server takes as many zones, and as many masks. */
export const MAX_SHAPES = 16
const MAX_STEPS = 200

export interface Polygons {
  shapes: ComputedRef<readonly Shape[]>
  /** The polygon whose corners are being placed. */
  draft: ComputedRef<Draft | null>
  selectedId: Readonly<ShallowRef<number | null>>
  canUndo: ComputedRef<boolean>
  canRedo: ComputedRef<boolean>
  /** By id, why a shape cannot be saved. */
  flaws: ComputedRef<ReadonlyMap<number, Flaw | 'unnamed'>>
  select: (id: number | null) => void
  load: (camera: Pick<Camera, 'zones' | 'privacy_masks'>) => void
  /** What the server gets. */
  zones: () => Camera['zones']
  masks: () => Camera['privacy_masks']
  isFull: (role: Role) => boolean
  begin: (role: Role) => void
  place: (point: Point, gesture?: string) => void
  /** The corner that was placed last goes on to follow the pointer. */
  adjust: (point: Point, gesture: string) => void
  finish: (name: string) => boolean
  cancel: () => void
  useRectangle: (name: string) => void
  /** Changes with the same `gesture` one after another are one step to undo. */
  movePoint: (id: number, index: number, point: Point, gesture: string) => void
  insertPoint: (id: number, index: number, point: Point, gesture: string) => void
  removePoint: (id: number, index: number) => void
  moveShape: (id: number, from: readonly Point[], dx: number, dy: number, gesture: string) => void
  rename: (id: number, name: string) => void
  setRole: (id: number, role: Role) => void
  remove: (id: number) => void
  undo: () => void
  redo: () => void
}

export function usePolygons(): Polygons {
  const now = shallowRef<Moment>({ shapes: [], draft: null })
  const past = shallowRef<readonly Moment[]>([])
  const future = shallowRef<readonly Moment[]>([])
  const selectedId = shallowRef<number | null>(null)
  const shapes = computed(() => now.value.shapes)
  const draft = computed(() => now.value.draft)
  let lastGesture = ''
  let lastId = 0

  function become(change: Partial<Moment>, gesture = ''): void {
    if (gesture === '' || gesture !== lastGesture) past.value = [...past.value, now.value].slice(-MAX_STEPS)
    lastGesture = gesture
    future.value = []
    now.value = { ...now.value, ...change }
  }

  function edit(id: number, change: (shape: Shape) => Partial<Shape>, gesture = ''): void {
    become(
      { shapes: shapes.value.map((shape) => (shape.id === id ? { ...shape, ...change(shape) } : shape)) },
      gesture,
    )
  }

  function add(role: Role, name: string, points: readonly Point[]): void {
    lastId += 1
    const shape = { id: lastId, role, name: role === 'mask' ? '' : name, points }
    become({ shapes: [...shapes.value, shape], draft: null })
    selectedId.value = shape.id
  }

  function go(from: ShallowRef<readonly Moment[]>, to: ShallowRef<readonly Moment[]>): void {
    const moment = from.value.at(-1)
    if (moment === undefined) return
    from.value = from.value.slice(0, -1)
    to.value = [...to.value, now.value]
    now.value = moment
    lastGesture = ''
    if (!moment.shapes.some((shape) => shape.id === selectedId.value)) selectedId.value = null
  }

  return {
    shapes,
    draft,
    selectedId,
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
    flaws: computed(() => {
      const found = new Map<number, Flaw | 'unnamed'>()
      for (const shape of shapes.value) {
        const flaw = flawOf(shape.points) ?? (shape.role !== 'mask' && !shape.name.trim() ? 'unnamed' : null)
        if (flaw !== null) found.set(shape.id, flaw)
      }
      return found
    }),
    select: (id) => {
      selectedId.value = id
    },
    load: (camera) => {
      const kept: Omit<Shape, 'id'>[] = [
        ...camera.zones.map((zone) => ({ role: zone.kind, name: zone.name, points: zone.points })),
        ...camera.privacy_masks.map((points) => ({ role: 'mask' as const, name: '', points })),
      ]
      now.value = { shapes: kept.map((shape) => ({ ...shape, id: (lastId += 1) })), draft: null }
      past.value = []
      future.value = []
      lastGesture = ''
      selectedId.value = null
    },
    zones: () =>
      shapes.value.flatMap(({ role, name, points }) =>
        role === 'mask' ? [] : [{ name: name.trim(), kind: role, points: [...points] }],
      ),
    masks: () => shapes.value.flatMap(({ role, points }) => (role === 'mask' ? [[...points]] : [])),
    isFull: (role) =>
      shapes.value.filter((shape) => (shape.role === 'mask') === (role === 'mask')).length >= MAX_SHAPES,
    begin: (role) => {
      selectedId.value = null
      become({ draft: { role, points: [] } })
    },
    place: (point, gesture) => {
      const open = draft.value
      if (open === null || open.points.length >= MAX_POINTS) return
      become({ draft: { ...open, points: [...open.points, onPicture(point)] } }, gesture)
    },
    adjust: (point, gesture) => {
      const open = draft.value
      if (open === null || open.points.length === 0) return
      become({ draft: { ...open, points: [...open.points.slice(0, -1), onPicture(point)] } }, gesture)
    },
    finish: (name) => {
      const open = draft.value
      if (open === null || open.points.length < MIN_POINTS) return false
      add(open.role, name, open.points)
      return true
    },
    cancel: () => become({ draft: null }),
    useRectangle: (name) => {
      if (draft.value !== null) add(draft.value.role, name, rectangle())
    },
    movePoint: (id, index, point, gesture) =>
      edit(
        id,
        ({ points }) => ({ points: points.map((old, at) => (at === index ? onPicture(point) : old)) }),
        gesture,
      ),
    insertPoint: (id, index, point, gesture) =>
      edit(
        id,
        ({ points }) =>
          points.length >= MAX_POINTS
            ? {}
            : { points: [...points.slice(0, index), onPicture(point), ...points.slice(index)] },
        gesture,
      ),
    removePoint: (id, index) =>
      edit(id, ({ points }) =>
        points.length <= MIN_POINTS ? {} : { points: points.filter((_, at) => at !== index) },
      ),
    moveShape: (id, from, dx, dy, gesture) => edit(id, () => ({ points: shifted(from, dx, dy) }), gesture),
    rename: (id, name) => edit(id, () => ({ name }), `name ${id}`),
    setRole: (id, role) => edit(id, () => ({ role })),
    remove: (id) => {
      become({ shapes: shapes.value.filter((shape) => shape.id !== id) })
      if (selectedId.value === id) selectedId.value = null
    },
    undo: () => go(past, future),
    redo: () => go(future, past),
  }
}
