/**
 * How old the picture is that is shown. The server says now and then how old its newest picture is; what came later
 * than the quickest message waited on the way, and that counts too. Both clocks may differ: only differences are used.
 */
export interface ClockNote {
  /** Time of the newest picture, seconds of the stream. */
  at: number
  /** How old it was when this was said, seconds. */
  age: number
  /** When this was said, seconds of the server's own clock. */
  said: number
}

export interface StreamClock {
  hear: (note: ClockNote, nowMs: number) => void
  /** Seconds between the camera's picture and the one that is shown; null before the first note. */
  delayS: (shownS: number, nowMs: number) => number | null
}

export function createStreamClock(): StreamClock {
  let quickestS = Infinity
  let newest: { at: number; age: number; heardS: number } | null = null
  return {
    hear(note, nowMs) {
      const onTheWayS = nowMs / 1000 - note.said
      quickestS = Math.min(quickestS, onTheWayS)
      newest = { at: note.at, age: note.age + onTheWayS - quickestS, heardS: nowMs / 1000 }
    },
    delayS(shownS, nowMs) {
      if (newest === null) return null
      return Math.max(0, newest.age + (nowMs / 1000 - newest.heardS) + (newest.at - shownS))
    },
  }
}
