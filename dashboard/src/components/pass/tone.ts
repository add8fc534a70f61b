/** The colour family of a verdict. */
import type { MaskState } from '@/api/types'

export type Tone = 'good' | 'bad' | 'warn'

export function toneOf(state: MaskState): Tone {
  if (state === 'with_mask') return 'good'
  return state === 'without_mask' ? 'bad' : 'warn'
}
