/** Where the faces are at one moment of a video, between the pictures that were analysed. */
import type { Box, FootageBoxes, MaskState } from '@/api/types'

export interface FaceAt {
  key: number
  box: Box
  state: MaskState
  sure: number
}

type Frame = FootageBoxes['frames'][number]
type Face = Frame['faces'][number]

/** Boxes are drawn this long after the last look, when no other follows soon, seconds. */
const HOLD_S = 0.6
/** Two looks further apart than this are not joined, seconds. */
const JOIN_S = 1.2
/** The same face moves less than this between two looks, in its own sizes. */
const SAME_FACE = 1.5

/** Index of the last frame at or before `t`; -1 before the first. */
export function frameBefore(frames: readonly Frame[], t: number): number {
  let low = 0
  let high = frames.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((frames[middle]?.t ?? Infinity) <= t) low = middle + 1
    else high = middle
  }
  return low - 1
}

const middleOf = (box: Box) => ({ x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2 })

function twin(face: Face, others: readonly Face[]): Face | undefined {
  const here = middleOf(face.box)
  const size = Math.max(face.box.x1 - face.box.x0, face.box.y1 - face.box.y0)
  let best: Face | undefined
  let nearest = SAME_FACE * size
  for (const other of others) {
    const there = middleOf(other.box)
    const far = Math.hypot(there.x - here.x, there.y - here.y)
    if (far < nearest) {
      nearest = far
      best = other
    }
  }
  return best
}

const between = (a: number, b: number, share: number) => a + (b - a) * share

/** The faces at `t` seconds; between two looks they move evenly from one to the other. */
export function facesAt(frames: readonly Frame[], t: number): FaceAt[] {
  // A picture is shown a little after its time: half a picture more is the same picture.
  const at = t + 0.02
  const index = frameBefore(frames, at)
  const frame = frames[index]
  if (frame === undefined) return []
  const next = frames[index + 1]
  const gap = next === undefined ? Infinity : next.t - frame.t
  if (gap > JOIN_S && at - frame.t > HOLD_S) return []
  const share = gap > JOIN_S ? 0 : (at - frame.t) / gap
  return frame.faces.map((face, key) => {
    const other = next === undefined || share === 0 ? undefined : twin(face, next.faces)
    const box =
      other === undefined
        ? face.box
        : {
            x0: between(face.box.x0, other.box.x0, share),
            y0: between(face.box.y0, other.box.y0, share),
            x1: between(face.box.x1, other.box.x1, share),
            y1: between(face.box.y1, other.box.y1, share),
          }
    return { key, box, state: face.state, sure: face.state_score }
  })
}
