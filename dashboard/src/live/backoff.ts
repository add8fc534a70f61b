/** Waiting times between attempts: doubling, capped, and jittered so that many pages do not return at one instant. */
export interface BackoffOptions {
  /** Mean of the first wait, ms. Default 500. */
  firstMs?: number
  /** No wait is longer, ms. Default 15000. */
  maxMs?: number
  /** Source of chance in [0, 1). Injected in tests. */
  random?: () => number
}

export interface Backoff {
  /** The next wait in ms: between half and all of the doubled step. */
  next: () => number
  reset: () => void
  /** Attempts since the last reset. */
  readonly attempts: number
}

export function createBackoff(options: BackoffOptions = {}): Backoff {
  const { firstMs = 500, maxMs = 15_000, random = Math.random } = options
  let attempts = 0
  return {
    next() {
      const step = Math.min(maxMs, firstMs * 2 ** Math.min(attempts, 20))
      attempts += 1
      return Math.round(step / 2 + (random() * step) / 2)
    },
    reset() {
      attempts = 0
    },
    get attempts() {
      return attempts
    },
  }
}
