/** Mounts a component as the page does: with texts, router and store. */
import { mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { createApp, effectScope, type Component } from 'vue'
import { createMemoryHistory } from 'vue-router'
import { liveEventsKey } from '@/composables/liveEventsKey'
import type { LiveEvents } from '@/composables/useLiveEvents'
import { i18n } from '@/i18n'
import { createAppRouter } from '@/router'

export function mountPart(component: Component, props: Record<string, unknown> = {}): VueWrapper {
  const pinia = createPinia()
  setActivePinia(pinia)
  return mount(component, {
    props,
    global: { plugins: [pinia, i18n, createAppRouter(createMemoryHistory())] },
    attachTo: document.body,
  })
}

/** Runs a composable inside an app, with live events if given; `stop` does what leaving the page does. */
export function inScope<T>(run: () => T, events?: LiveEvents): { value: T; stop: () => void } {
  const app = createApp({})
  if (events !== undefined) app.provide(liveEventsKey, events)
  const scope = effectScope()
  const value = app.runWithContext(() => scope.run(run))
  if (value === undefined) throw new Error('composable: expected an answer, got none')
  return { value, stop: () => scope.stop() }
}

/** Lets promises that are ready run. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}
