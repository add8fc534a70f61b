/**
 * The boxes of a live picture, by the moment of the stream they belong to. An analysis takes longer than the way of the
 * picture: so the picture waits for it a little (`lateS`), boxes move evenly from one analysed picture to the next, and
 * where there is no next one yet they go on as they moved.
 */
import type { MaskState } from '@/api/types'

/** As the server sends it: fractions of the picture. */
export interface SeenFace {
  box: [number, number, number, number]
  state: MaskState
  score: number
  state_score: number
}

export interface FaceTimeline {
  /** `newestS`: the newest picture that was buffered then. */
  hear: (at: number, faces: SeenFace[], newestS: number | null) => void
  /** The faces at this moment of the stream. */
  at: (seconds: number) => SeenFace[]
  clear: () => void
  /** By how much results come later than their pictures, seconds; 0 before the first. */
  readonly lateS: number
}

interface Moment {
  at: number
  faces: SeenFace[]
}

/** So many analysed pictures are kept. */
const KEPT = 40
/** Boxes move on by themselves for this long at most, seconds: then they stand. */
const GUESS_S = 0.5
/** Boxes of the last picture stay for so many usual steps, but within these limits, seconds. */
const HOLD_STEPS = 1.8
const HOLD_MIN_S = 0.8
const HOLD_MAX_S = 6
/** Between two pictures that are farther apart boxes are not moved: somebody else may stand there, seconds. */
const MOVE_WITHIN_S = 1.2
/** A face is the same one when it moved by less than so many of its own widths. */
const SAME_WIDTHS = 1.2

function middle(box: SeenFace['box']): [number, number] {
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
}

/** The face of `others` that is this one in another picture, or null. */
export function sameFace(face: SeenFace, others: SeenFace[]): SeenFace | null {
  const [x, y] = middle(face.box)
  const width = face.box[2] - face.box[0]
  let best: SeenFace | null = null
  let least = SAME_WIDTHS * Math.max(width, 0.01)
  for (const other of others) {
    const [otherX, otherY] = middle(other.box)
    const far = Math.hypot(otherX - x, otherY - y)
    if (far < least) {
      least = far
      best = other
    }
  }
  return best
}

function between(from: SeenFace['box'], to: SeenFace['box'], share: number): SeenFace['box'] {
  return from.map((side, index) => side + ((to[index] ?? side) - side) * share) as SeenFace['box']
}

export function createFaceTimeline(): FaceTimeline {
  let moments: Moment[] = []
  let lateS = 0
  let stepS = 0.2

  function interpolated(before: Moment, after: Moment, seconds: number): SeenFace[] {
    const share = (seconds - before.at) / (after.at - before.at)
    const found: SeenFace[] = []
    for (const face of before.faces) {
      const next = sameFace(face, after.faces)
      if (next !== null)
        found.push({ ...(share < 0.5 ? face : next), box: between(face.box, next.box, share) })
      else if (share < 0.5) found.push(face)
    }
    return found
  }

  function guessed(before: Moment | undefined, last: Moment, seconds: number): SeenFace[] {
    const age = seconds - last.at
    if (age > Math.min(HOLD_MAX_S, Math.max(HOLD_MIN_S, stepS * HOLD_STEPS))) return []
    if (before === undefined || last.at - before.at > MOVE_WITHIN_S) return last.faces
    const share = Math.min(age, GUESS_S) / (last.at - before.at)
    return last.faces.map((face) => {
      const earlier = sameFace(face, before.faces)
      return earlier === null ? face : { ...face, box: between(earlier.box, face.box, 1 + share) }
    })
  }

  return {
    hear(at, faces, newestS) {
      const last = moments[moments.length - 1]
      if (last !== undefined && at > last.at) stepS += 0.3 * (Math.min(HOLD_MAX_S, at - last.at) - stepS)
      moments = [...moments.filter((one) => one.at !== at), { at, faces }]
        .sort((a, b) => a.at - b.at)
        .slice(-KEPT)
      // Quickly up, slowly down: a picture that waits too little is wrong, one that waits too long only late.
      const late = newestS === null ? 0 : Math.max(0, newestS - at)
      if (late < 3) lateS += (late > lateS ? 0.5 : 0.05) * (late - lateS)
    },
    at(seconds) {
      let index = moments.length - 1
      while (index >= 0 && moments[index]!.at > seconds + 0.001) index -= 1
      const before = moments[index]
      if (before === undefined) return []
      const after = moments[index + 1]
      if (after !== undefined && after.at - before.at <= MOVE_WITHIN_S)
        return interpolated(before, after, seconds)
      return guessed(moments[index - 1], before, seconds)
    },
    clear() {
      moments = []
      lateS = 0
    },
    get lateS() {
      return lateS
    },
  }
}
