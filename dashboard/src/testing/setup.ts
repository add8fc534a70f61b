/** What jsdom lacks and the components ask for. */
import { afterEach } from 'vitest'
import { enableAutoUnmount } from '@vue/test-utils'

window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    addEventListener() {},
    removeEventListener() {},
  }) as unknown as MediaQueryList

enableAutoUnmount(afterEach)
