import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryHistory, type Router } from 'vue-router'
import App from '@/App.vue'
import { client } from '@/api/client'
import { i18n } from '@/i18n'
import { createAppRouter } from '@/router'

type Answer = { status: number; body?: unknown; headers?: Record<string, string> }

const session = (must_change_password = false): Answer => ({
  status: 200,
  body: {
    access_token: 't',
    expires_in: 900,
    user: {
      user_id: 'u',
      username: 'ann',
      display_name: 'Ann',
      role: 'guard',
      permissions: [],
      must_change_password,
    },
  },
})

/** The whole page before a server that answers by path; everything else is an empty list. */
async function open(path: string, answers: Record<string, Answer>) {
  const fetched = vi.fn(async (input: RequestInfo | URL) => {
    const key = Object.keys(answers).find((each) => String(input).includes(each))
    const { status, body, headers } = key ? answers[key]! : { status: 200, body: { items: [] }, headers: {} }
    return new Response(status === 204 ? null : JSON.stringify(body ?? {}), { status, headers })
  })
  vi.stubGlobal('fetch', fetched)
  const pinia = createPinia()
  setActivePinia(pinia)
  const history = createMemoryHistory()
  history.replace(path)
  const router: Router = createAppRouter(history)
  const page = mount(App, { global: { plugins: [pinia, i18n, router] }, attachTo: document.body })
  await router.isReady()
  await flushPromises()
  return { page, router, fetched }
}

async function logIn(page: Awaited<ReturnType<typeof open>>['page'], password = 'secret-secret') {
  await page.get('input[name=username]').setValue('ann')
  await page.get('input[name=password]').setValue(password)
  await page.get('form').trigger('submit')
  await flushPromises()
  await flushPromises()
}

/** Pages are loaded when they are first needed; form messages come after a pause. */
const WAIT = { timeout: 25_000, interval: 20 }

const refused: Answer = { status: 401, body: { title: 'no' } }

// compiled before anything waits for them
beforeAll(async () => {
  await Promise.all([import('./LoginPage.vue'), import('./WallPage.vue'), import('./CamerasPage.vue')])
}, 180_000)
beforeEach(() => client.setSession(null))
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('the way in', () => {
  it('leads to the login, and after it to the page that was asked for', async () => {
    const answers: Record<string, Answer> = { '/auth/refresh': refused, '/auth/login': session() }
    const { page, router } = await open('/cameras', answers)
    await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/login?next=/cameras'), WAIT)
    await logIn(page)
    await vi.waitFor(() => expect(router.currentRoute.value.name).toBe('cameras'), WAIT)
  })

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'never leads to another site: %s',
    async (next) => {
      const answers = { '/auth/refresh': refused, '/auth/login': session() }
      const { page, router } = await open(`/login?next=${encodeURIComponent(next)}`, answers)
      await logIn(page)
      await vi.waitFor(() => expect(router.currentRoute.value.name).toBe('wall'), WAIT)
    },
  )

  it('goes on with an earlier session without asking', async () => {
    const { router } = await open('/cameras', { '/auth/refresh': session() })
    await vi.waitFor(() => expect(router.currentRoute.value.name).toBe('cameras'), WAIT)
  })

  it('says that name or password is wrong, and forgets the password', async () => {
    const { page } = await open('/login', { '/auth/refresh': refused, '/auth/login': refused })
    await logIn(page)
    await vi.waitFor(() => expect(page.get('[role=alert]').text()).toBe('用户名或密码不正确'), WAIT)
    expect((page.get('input[name=password]').element as HTMLInputElement).value).toBe('')
  })

  it('counts the seconds after too many attempts', async () => {
    const throttled: Answer = { status: 429, body: {}, headers: { 'Retry-After': '17' } }
    const { page } = await open('/login', { '/auth/refresh': refused, '/auth/login': throttled })
    // no second passes by itself, however busy the machine is
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'] })
    await logIn(page)
    await vi.waitFor(() => expect(page.get('[role=alert]').text()).toContain('17 秒'), WAIT)
    expect(page.get('button[type=submit]').attributes('disabled')).toBeDefined()
  })

  it('asks for nothing before both fields are filled', async () => {
    const { page, fetched } = await open('/login', { '/auth/refresh': refused })
    const before = fetched.mock.calls.length
    await page.get('form').trigger('submit')
    await flushPromises()
    await vi.waitFor(() => expect(page.text()).toContain('请输入用户名'), WAIT)
    expect(fetched.mock.calls.length).toBe(before)
  })

  it('lets nobody pass with a one-time password until it is changed', async () => {
    const answers: Record<string, Answer> = {
      '/auth/refresh': refused,
      '/auth/login': session(true),
      '/me/password': { status: 204 },
    }
    const { page, router } = await open('/', answers)
    await logIn(page)
    await vi.waitFor(() => expect(page.text()).toContain('请先设置新密码'), WAIT)
    await router.push('/cameras')
    await vi.waitFor(() => expect(router.currentRoute.value.name).toBe('login'), WAIT)
    const [next, again] = page.findAll('input[type=password]')
    await next?.setValue('aaaaaaaaaa')
    await again?.setValue('another one 9')
    await page.get('form').trigger('submit')
    await flushPromises()
    await vi.waitFor(() => expect(page.text()).toContain('密码太简单'), WAIT)
    // each field has a pause of its own
    await vi.waitFor(() => expect(page.text()).toContain('两次输入的新密码不一致'), WAIT)
    answers['/auth/refresh'] = session()
    await next?.setValue('another one 9')
    await page.get('form').trigger('submit')
    await flushPromises()
    await flushPromises()
    await vi.waitFor(() => expect(router.currentRoute.value.name).not.toBe('login'), WAIT)
  })
})
