/** Who is logged in, and what they may do. The token itself stays inside the client. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import * as auth from '@/api/auth'
import { client } from '@/api/client'
import { RequestProblem } from '@/api/problem'
import type { Permission, User } from '@/api/types'

export const useSession = defineStore('session', () => {
  const user = shallowRef<User | null>(null)
  /** The session ended by itself (not by logout): the login page says so. */
  const expired = shallowRef(false)
  let restoring: Promise<void> | null = null

  client.onSession((session) => {
    if (session === null && user.value !== null) expired.value = true
    user.value = session?.user ?? null
  })

  const loggedIn = computed(() => user.value !== null)
  const mustChangePassword = computed(() => user.value?.must_change_password ?? false)

  /** Once a page load: renew from the cookie. A server that is away throws; no cookie is simply no session. */
  function restore(): Promise<void> {
    restoring ??= client.refresh().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof RequestProblem && error.status >= 400 && error.status < 500) return
        restoring = null
        throw error
      },
    )
    return restoring
  }

  async function login(username: string, password: string): Promise<void> {
    await auth.login(username, password)
    expired.value = false
    restoring = Promise.resolve()
  }

  async function logout(): Promise<void> {
    user.value = null
    await auth.logout().catch(() => undefined)
    expired.value = false
  }

  async function changePassword(current: string, next: string): Promise<void> {
    await auth.changePassword(current, next)
    if (user.value !== null) user.value = { ...user.value, must_change_password: false }
    // The old tokens may still carry the duty to change: take new ones where the server gives them.
    await client.refresh().catch(() => undefined)
  }

  const can = (permission: Permission): boolean => user.value?.permissions?.includes(permission) ?? false

  return { user, expired, loggedIn, mustChangePassword, restore, login, logout, changePassword, can }
})
