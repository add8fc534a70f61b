/** Dark by default, because walls hang in control rooms; light on request, kept in this browser. */
import { readonly, shallowRef, type ShallowRef } from 'vue'

export type Theme = 'dark' | 'light'

const STORAGE_KEY = 'xunshi.theme'
const theme = shallowRef<Theme>('dark')

function apply(next: Theme): void {
  theme.value = next
  document.documentElement.classList.toggle('dark', next === 'dark')
  document
    .querySelector('meta[name="theme-color"]')
    ?.setAttribute('content', next === 'dark' ? '#0b1118' : '#ffffff')
}

/** Take the kept choice; called once before the first paint. */
export function restoreTheme(): void {
  try {
    apply(localStorage.getItem(STORAGE_KEY) === 'light' ? 'light' : 'dark')
  } catch {
    apply('dark')
  }
}

export function useTheme(): { theme: Readonly<ShallowRef<Theme>>; setTheme: (next: Theme) => void } {
  return {
    theme: readonly(theme),
    setTheme(next) {
      apply(next)
      try {
        localStorage.setItem(STORAGE_KEY, next)
      } catch {
        // not kept, but it works for this visit
      }
    },
  }
}
