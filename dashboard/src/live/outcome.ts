/** What the end of a live connection means: try again, show still pictures, or stop. */

/** Why there is no moving picture. Each has a text in the locale files (`live.reason.*`). */
export type LiveReason =
  | 'no_mse'
  | 'codec'
  | 'busy'
  | 'decode'
  | 'network'
  | 'offline'
  | 'silent'
  | 'slow'
  | 'restart'
  | 'camera'
  | 'denied'
  | 'gone'

/** `later`: still pictures now, and a new attempt after a while. `snapshots`: trying again cannot help. */
export type Outcome = 'retry' | 'retry_now' | 'later' | 'snapshots' | 'stop'

export interface Ending {
  outcome: Outcome
  reason: LiveReason
}

/** What the picture is, as the server says at the beginning. */
export interface PictureKind {
  /** Made from another encoding on the server. */
  converted: boolean
  /** Privacy masks hide something. */
  masked: boolean
  /** Privacy masks exist, and this user sees behind them. */
  unmasked: boolean
}

/** Close codes of `/live/cameras/{id}/stream`; anything unknown is a broken connection. */
export function readClose(code: number): Ending {
  switch (code) {
    case 4401: // the ticket ran out between asking and opening: a new one is asked for
      return { outcome: 'retry', reason: 'network' }
    case 4403:
      return { outcome: 'stop', reason: 'denied' }
    case 4404:
      return { outcome: 'stop', reason: 'gone' }
    case 4415:
      return { outcome: 'snapshots', reason: 'codec' }
    case 4429:
      return { outcome: 'later', reason: 'busy' }
    case 1012:
      return { outcome: 'retry_now', reason: 'restart' }
    case 1013:
      return { outcome: 'retry', reason: 'slow' }
    default:
      return { outcome: 'retry', reason: 'network' }
  }
}

/** What a refused play ticket means. */
export function readTicketRefusal(status: number): Ending {
  if (status === 403) return { outcome: 'stop', reason: 'denied' }
  if (status === 404) return { outcome: 'stop', reason: 'gone' }
  if (status === 409) return { outcome: 'retry', reason: 'camera' }
  return { outcome: 'retry', reason: 'network' }
}
