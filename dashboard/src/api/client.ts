/**
 * The way to the server. Holds the access token in memory (never in storage), renews it through the refresh cookie, and
 * throws `RequestProblem` for everything that is not 2xx. One renewal at a time: calls that meet a 401 together share it.
 */
import { createExclusive } from './exclusive'
import { problemFrom, RequestProblem } from './problem'
import type { Session } from './types'

export interface ClientOptions {
  /** Base of the API. Default `/api/v1` on this origin. */
  base?: string
  /** Injected in tests. */
  fetch?: typeof fetch
  /** Runs a task while no other page of this browser does (`exclusive.ts`). */
  exclusive?: <T>(task: () => Promise<T>) => Promise<T>
  /** A call without an answer is given up after this time. */
  timeoutMs?: number
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | undefined | null>
  json?: unknown
  /** Media type that is wanted; JSON when left out. */
  accept?: string
  form?: FormData
  signal?: AbortSignal
  idempotencyKey?: string
  /** The version that is changed (`updated_at` of what was read): a later one is not overwritten, 412 answers. */
  ifMatch?: string
  timeoutMs?: number
  /** Send without a token and do not renew on 401 (login, refresh). */
  anonymous?: boolean
  /** Go on when the page is left, so that a cookie in the answer is not lost. */
  keepalive?: boolean
}

export type Client = ReturnType<typeof createClient>

export function createClient(options: ClientOptions = {}) {
  const base = options.base ?? '/api/v1'
  /** Paths that are whole already: of the API, and of face search, which is a service of its own. */
  const whole = [`${base}/`, '/faces/']
  const send = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const exclusive = options.exclusive ?? createExclusive()
  const defaultTimeoutMs = options.timeoutMs ?? 20_000

  let token: string | null = null
  let renewal: Promise<Session> | null = null
  const sessionListeners = new Set<(session: Session | null) => void>()

  function setSession(session: Session | null): void {
    token = session?.access_token ?? null
    for (const listener of sessionListeners) listener(session)
  }

  function url(path: string, query?: RequestOptions['query']): string {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value))
    }
    const text = parameters.toString()
    const place = whole.some((root) => path.startsWith(root)) ? path : `${base}${path}`
    return `${place}${text === '' ? '' : `?${text}`}`
  }

  async function once(address: string, request: RequestOptions): Promise<Response> {
    const headers = new Headers({ Accept: request.accept ?? 'application/json' })
    if (token !== null && !request.anonymous) headers.set('Authorization', `Bearer ${token}`)
    if (request.json !== undefined) headers.set('Content-Type', 'application/json')
    if (request.idempotencyKey !== undefined) headers.set('Idempotency-Key', request.idempotencyKey)
    if (request.ifMatch !== undefined) headers.set('If-Match', `"${request.ifMatch}"`)
    const deadline = AbortSignal.timeout(request.timeoutMs ?? defaultTimeoutMs)
    const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline
    try {
      return await send(address, {
        method: request.method ?? 'GET',
        headers,
        body: request.form ?? (request.json === undefined ? undefined : JSON.stringify(request.json)),
        credentials: 'same-origin',
        keepalive: request.keepalive ?? false,
        signal,
      })
    } catch (error) {
      if (request.signal?.aborted) throw new DOMException('cancelled', 'AbortError')
      throw new RequestProblem({ status: 0, title: String(error) })
    }
  }

  async function checked(response: Response): Promise<Response> {
    if (response.ok) return response
    throw problemFrom(response.status, await response.text(), response.headers.get('Retry-After'))
  }

  /** A new access token from the refresh cookie. Callers that arrive while one is under way share it. */
  function refresh(): Promise<Session> {
    renewal ??= exclusive(async () => {
      const response = await checked(
        await once(url('/auth/refresh'), { method: 'POST', json: {}, anonymous: true, keepalive: true }),
      )
      const session = (await response.json()) as Session
      setSession(session)
      return session
    })
      .catch((error: unknown) => {
        // Only a refusal ends the session; a server that is away keeps it for the next attempt.
        if (error instanceof RequestProblem && [400, 401, 403, 422].includes(error.status)) setSession(null)
        throw error
      })
      .finally(() => {
        renewal = null
      })
    return renewal
  }

  /** Send, and after a 401 renew the token and send once more. */
  async function raw(path: string, request: RequestOptions = {}): Promise<Response> {
    const address = url(path, request.query)
    const used = token
    const response = await once(address, request)
    if (response.status !== 401 || request.anonymous) return checked(response)
    // Another call may have renewed the token while this one was on its way.
    if (token === null || token === used) await refresh()
    return checked(await once(address, request))
  }

  async function call<T>(path: string, request: RequestOptions = {}): Promise<T> {
    const response = await raw(path, request)
    if (response.status === 204) return undefined as T
    return (await response.json()) as T
  }

  return {
    call,
    raw,
    refresh,
    setSession,
    /** The current access token, for the one caller that cannot use `raw` (upload with progress). */
    accessToken: () => token,
    url,
    onSession(listener: (session: Session | null) => void): () => void {
      sessionListeners.add(listener)
      return () => sessionListeners.delete(listener)
    },
  }
}

/** The client of this page. */
export const client = createClient()
