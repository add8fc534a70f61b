/** How old a picture is, in words, and whether it may still pass for one of now. */
import { computed, type ComputedRef, type Ref } from 'vue'
import { useFormat } from './useFormat'
import { useNow } from './useNow'

/** A picture that is older than this never looks live, ms. */
export const OLD_AFTER_MS = 10_000

export interface PictureAge {
  /** "12 seconds ago", or null without a picture. */
  text: ComputedRef<string | null>
  old: ComputedRef<boolean>
}

/** `takenAt`: when the picture was taken, ms since the epoch; null: there is none. */
export function usePictureAge(takenAt: Readonly<Ref<number | null>>, oldAfterMs = OLD_AFTER_MS): PictureAge {
  const now = useNow()
  const format = useFormat()
  return {
    text: computed(() => (takenAt.value === null ? null : format.value.ago(takenAt.value, now.value))),
    old: computed(() => takenAt.value !== null && now.value - takenAt.value > oldAfterMs),
  }
}
