/** Login, logout and the own password. */
import { client } from './client'
import type { Session, User } from './types'

export async function login(username: string, password: string): Promise<Session> {
  const session = await client.call<Session>('/auth/login', {
    method: 'POST',
    json: { username, password },
    anonymous: true,
  })
  client.setSession(session)
  return session
}

/** Ends the session on the server; this page forgets it even when the server is away. */
export async function logout(): Promise<void> {
  try {
    await client.call('/auth/logout', { method: 'POST', json: {} })
  } finally {
    client.setSession(null)
  }
}

export const fetchMe = () => client.call<User>('/me')

export const changePassword = (current: string, next: string) =>
  client.call<undefined>('/me/password', {
    method: 'POST',
    json: { current_password: current, new_password: next },
  })
