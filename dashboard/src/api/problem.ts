/**
 * The one error the client throws. Every failed call becomes a `RequestProblem`: what the server said (RFC 9457), or a
 * status of 0 when nothing answered at all. `describe.ts` turns it into a sentence for a person.
 */
import type { Problem } from './types'

export class RequestProblem extends Error {
  readonly status: number
  readonly problem: Problem
  /** Seconds the server asked us to wait (`Retry-After`), or null. */
  readonly retryAfterS: number | null

  constructor(problem: Problem, retryAfterS: number | null = null) {
    super(problem.detail ?? problem.title ?? `HTTP ${problem.status}`)
    this.name = 'RequestProblem'
    this.status = problem.status
    this.problem = problem
    this.retryAfterS = retryAfterS
  }

  /** Nothing answered: server down, network gone, or the gateway cut the connection. */
  get unreachable(): boolean {
    return this.status === 0
  }

  /** The message about one form field, if the server named it. */
  fieldMessage(field: string): string | undefined {
    return this.problem.errors?.find((each) => each.field.split('.').pop() === field)?.message
  }
}

/** Seconds in a `Retry-After` header (seconds or an HTTP date); null where there is none. */
export function readRetryAfterS(header: string | null, now: number): number | null {
  if (header === null || header.trim() === '') return null
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds))
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000))
}

/** Build the error for an answer that is not 2xx; a body that is no problem document is ignored. */
export function problemFrom(status: number, body: string, retryAfter: string | null): RequestProblem {
  let problem: Problem = { status }
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null) problem = { ...(parsed as Problem), status }
  } catch {
    // an HTML page of a gateway: the status says enough
  }
  return new RequestProblem(problem, readRetryAfterS(retryAfter, Date.now()))
}

/** True for the error of a call that we cancelled ourselves. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
