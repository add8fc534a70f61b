import { describe, expect, it, vi } from 'vitest'
import { createClient } from './client'
import { readRetryAfterS, RequestProblem } from './problem'

const user = {
  user_id: 'u',
  username: 'a',
  display_name: 'A',
  role: 'guard',
  permissions: [],
  must_change_password: false,
}
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers })

/** A server whose access token is `valid`; refreshing gives the next one. */
function server(options: { refreshStatus?: number } = {}) {
  const state = { valid: 'token-1', refreshes: 0, calls: [] as string[] }
  const send = vi.fn(async (input: RequestInfo | URL, init?: RequestInit) => {
    const path = String(input)
    const sent = new Headers(init?.headers).get('Authorization')
    state.calls.push(`${path} ${sent ?? '-'}`)
    await Promise.resolve()
    if (path.endsWith('/auth/refresh')) {
      state.refreshes += 1
      if (options.refreshStatus) return json(options.refreshStatus, { title: 'no' })
      state.valid = `token-${state.refreshes + 1}`
      return json(200, { access_token: state.valid, expires_in: 900, user })
    }
    return sent === `Bearer ${state.valid}` ? json(200, { path }) : json(401, { title: 'no' })
  })
  const client = createClient({ fetch: send as unknown as typeof fetch, exclusive: (task) => task() })
  client.setSession({ access_token: 'stale', expires_in: 900, user: user as never, refresh_token: null })
  return { state, client, send }
}

describe('client', () => {
  it('renews the token once for calls that meet a 401 together', async () => {
    const { state, client } = server()
    const answers = await Promise.all(['/a', '/b', '/c'].map((path) => client.call<{ path: string }>(path)))
    expect(answers.map((each) => each.path)).toEqual(['/api/v1/a', '/api/v1/b', '/api/v1/c'])
    expect(state.refreshes).toBe(1)
  })

  it('does not renew again when another call already has', async () => {
    const { state, client } = server()
    await client.call('/a')
    await client.call('/b')
    expect(state.refreshes).toBe(1)
  })

  it('does not try to renew for a login', async () => {
    const { state, client } = server()
    await expect(client.call('/auth/login', { anonymous: true })).rejects.toMatchObject({ status: 401 })
    expect(state.refreshes).toBe(0)
  })

  it('ends the session when the refresh is refused', async () => {
    const { client } = server({ refreshStatus: 401 })
    const sessions: unknown[] = []
    client.onSession((session) => sessions.push(session))
    await expect(client.call('/a')).rejects.toBeInstanceOf(RequestProblem)
    expect(sessions).toEqual([null])
  })

  it('keeps the session when the server is away', async () => {
    const { client } = server({ refreshStatus: 503 })
    const sessions: unknown[] = []
    client.onSession((session) => sessions.push(session))
    await expect(client.call('/a')).rejects.toMatchObject({ status: 503 })
    expect(sessions).toEqual([])
  })

  it('says that nothing answered', async () => {
    const client = createClient({
      fetch: () => Promise.reject(new TypeError('failed')),
      exclusive: (task) => task(),
    })
    await expect(client.call('/a')).rejects.toMatchObject({ status: 0, unreachable: true })
  })

  it('tells a cancelled call from a failed one', async () => {
    const stop = new AbortController()
    const client = createClient({
      fetch: () => {
        stop.abort()
        return Promise.reject(new DOMException('aborted', 'AbortError'))
      },
    })
    await expect(client.call('/a', { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('reads problems, their fields and Retry-After', async () => {
    const body = { title: 'Invalid', errors: [{ field: 'json.url', message: 'expected an address' }] }
    const client = createClient({ fetch: async () => json(422, body, { 'Retry-After': '7' }) })
    const problem = (await client.call('/a').catch((error: unknown) => error)) as RequestProblem
    expect(problem.fieldMessage('url')).toBe('expected an address')
    expect(problem.retryAfterS).toBe(7)
  })

  it('lives with an error page that is no problem document', async () => {
    const client = createClient({ fetch: async () => new Response('<html>bad gateway', { status: 502 }) })
    await expect(client.call('/a')).rejects.toMatchObject({ status: 502, problem: { status: 502 } })
  })

  it('leaves paths of face search as they are: it is a service of its own', async () => {
    const send = vi.fn(async () => new Response('{}'))
    const client = createClient({ fetch: send })
    await client.call('/faces/lists', { query: { limit: 5 } })
    await client.call('/faces-of-the-day')
    expect(send.mock.calls.map(([address]: unknown[]) => address)).toEqual([
      '/faces/lists?limit=5',
      '/api/v1/faces-of-the-day',
    ])
  })

  it('leaves out empty query parameters', () => {
    const client = createClient()
    expect(client.url('/passes', { limit: 5, after: undefined, state: '', to: null })).toBe(
      '/api/v1/passes?limit=5',
    )
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  it.each([
    ['12', 12],
    ['0.2', 1],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['', null],
    ['soon', null],
    [null, null],
  ])('%s is %s seconds', (header, seconds) => expect(readRetryAfterS(header, now)).toBe(seconds))
})
