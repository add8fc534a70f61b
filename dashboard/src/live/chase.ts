/**
 * How the player stays close to the camera. Pure: buffer and playing position in, what to do out. A little behind is
 * caught up by playing slightly faster (nobody notices), far behind or outside the buffer by a jump.
 */

/** Playing this far behind the newest picture, seconds, is what we aim at when fragments come evenly. */
export const TARGET_S = 0.2
/** More than this behind, seconds: play faster. */
export const CHASE_ABOVE_S = 0.4
/** More than this behind, seconds: play much faster. */
export const RUSH_ABOVE_S = 0.6
/** More than this behind, seconds: jump. */
export const JUMP_ABOVE_S = 1
/** Hardly seen, and loses 0.15 s in a second. */
export const CHASE_RATE = 1.15
export const RUSH_RATE = 1.4
/** Keep this much of the past in the buffer, seconds, and cut only when twice as much is there. */
export const KEEP_S = 8

export interface BufferView {
  currentTime: number
  /** Start and end of the newest buffered range, seconds. */
  start: number
  end: number
  playbackRate: number
  /** Mean time between fragments, seconds: slow cameras need more room. */
  gapS: number
  /** Stay at least this far behind, seconds, if that is possible: boxes come a little later than pictures. */
  wantedS?: number
  /** How long the last jump took, seconds: a busy machine must decode up to there, and would never arrive. */
  jumpTookS?: number
}

/** `near`: fragments of one picture, as close as possible. `pieces`: seconds at a time, never without a picture. */
export type ChaseStyle = 'near' | 'pieces'

/** In pieces: more than this behind, seconds, play faster, or jump. */
const PIECES_CHASE_ABOVE_S = 5
const PIECES_JUMP_ABOVE_S = 12
const PIECES_TARGET_S = 3

/** Nothing makes the picture wait longer than this, seconds: with the way to here it stays below half a second. */
export const MOST_BEHIND_S = 0.45

export interface ChasePlan {
  /** Jump here, or stay. */
  seekTo: number | null
  rate: number
  /** Forget everything before this position, or nothing. */
  trimTo: number | null
}

/** Where to play: never nearer to the edge than one and a half fragments, never more than 0.45 s away. */
export function targetBehindS(gapS: number, wantedS = 0): number {
  return Math.min(MOST_BEHIND_S, Math.max(TARGET_S, gapS * 1.5, wantedS))
}

function planPieces(view: BufferView, trimTo: number | null): ChasePlan {
  const behind = view.end - view.currentTime
  if (view.currentTime < view.start || behind < 0 || behind > PIECES_JUMP_ABOVE_S) {
    return { seekTo: Math.max(view.start, view.end - PIECES_TARGET_S), rate: 1, trimTo }
  }
  const chasing = view.playbackRate > 1
  const tooFar = behind > PIECES_CHASE_ABOVE_S || (chasing && behind > PIECES_TARGET_S)
  return { seekTo: null, rate: tooFar ? CHASE_RATE : 1, trimTo }
}

export function planChase(view: BufferView, style: ChaseStyle = 'near'): ChasePlan {
  const behind = view.end - view.currentTime
  const target = targetBehindS(view.gapS, view.wantedS)
  const keptS = style === 'near' ? KEEP_S : 3 * KEEP_S
  const trimTo = view.end - view.start > 2 * keptS ? view.end - keptS : null
  if (style === 'pieces') return planPieces(view, trimTo)
  const jumpAbove = JUMP_ABOVE_S + 2 * (view.jumpTookS ?? 0)
  if (view.currentTime < view.start || behind < -0.5 || behind > jumpAbove) {
    return { seekTo: Math.max(view.start, view.end - target), rate: 1, trimTo }
  }
  const chasing = view.playbackRate > 1
  // Hysteresis: begin above the limit, end at the target, so that the rate does not flicker.
  const tooFar = behind > Math.max(CHASE_ABOVE_S, target + 0.1) || (chasing && behind > target)
  const rate = !tooFar ? 1 : behind > RUSH_ABOVE_S ? RUSH_RATE : CHASE_RATE
  return { seekTo: null, rate, trimTo }
}

/** Running mean of the time between fragments. */
export function createGapMeter(weight = 0.2) {
  let last: number | null = null
  let gapS = 0.1
  return {
    mark(nowMs: number): void {
      if (last !== null) gapS += weight * (Math.min(2, (nowMs - last) / 1000) - gapS)
      last = nowMs
    },
    get gapS() {
      return gapS
    },
  }
}
