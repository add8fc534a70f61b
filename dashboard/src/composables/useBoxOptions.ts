/** What is drawn over live pictures; one choice for all of them, kept in this browser. */
import { readonly, shallowRef, type ShallowRef } from 'vue'

export interface BoxOptions {
  boxes: boolean
  /** The verdict in words. */
  labels: boolean
  /** How sure it is. */
  scores: boolean
}

const STORAGE_KEY = 'xunshi.boxes'
const USUAL: BoxOptions = { boxes: true, labels: true, scores: false }

function stored(): BoxOptions {
  try {
    const kept = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as Partial<BoxOptions> | null
    return { ...USUAL, ...kept }
  } catch {
    return USUAL
  }
}

const shown = shallowRef<BoxOptions | null>(null)

export function useBoxOptions(): {
  shown: Readonly<ShallowRef<BoxOptions>>
  change: (part: Partial<BoxOptions>) => void
} {
  shown.value ??= stored()
  return {
    shown: readonly(shown) as Readonly<ShallowRef<BoxOptions>>,
    change(part) {
      shown.value = { ...(shown.value ?? USUAL), ...part }
      try {
        localStorage.setItem(STORAGE_KEY, JSON.stringify(shown.value))
      } catch {
        // not kept, but it works for this visit
      }
    },
  }
}
