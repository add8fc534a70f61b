/** One photo, checked: choose, send with progress, boxes or the reason why not. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { detect, type DetectOptions } from '@/api/detections'
import { isAbort, RequestProblem } from '@/api/problem'
import type { Detections } from '@/api/types'

export type PhotoState = 'empty' | 'sending' | 'analysing' | 'done' | 'failed'
/** Each has a text in the locale files (`photo.*`); `other` is described by its status. */
export type PhotoFault = 'notImage' | 'tooLarge' | 'unreadable' | 'tooManyPixels' | 'busy' | 'other'

export const MAX_PHOTO_MB = 20

export interface PhotoCheckOptions {
  /** Injected in tests. */
  send?: (image: File, options: DetectOptions) => Promise<Detections>
}

export interface PhotoCheck {
  state: Readonly<ShallowRef<PhotoState>>
  /** Object URL of the chosen photo. */
  picture: Readonly<ShallowRef<string | null>>
  /** Share of the photo that is sent, 0 to 1. */
  progress: Readonly<ShallowRef<number>>
  result: Readonly<ShallowRef<Detections | null>>
  fault: Readonly<ShallowRef<PhotoFault | null>>
  error: Readonly<ShallowRef<unknown>>
  check: (image: File) => Promise<void>
  /** Send the same photo again. */
  again: () => Promise<void>
  reset: () => void
}

function faultOf(error: unknown): PhotoFault {
  if (!(error instanceof RequestProblem)) return 'other'
  if (error.status === 413) return /pixel/i.test(error.message) ? 'tooManyPixels' : 'tooLarge'
  if (error.status === 415) return 'notImage'
  if (error.status === 400 || error.status === 422)
    return /pixel/i.test(error.message) ? 'tooManyPixels' : 'unreadable'
  if (error.status === 503 || error.status === 504) return 'busy'
  return 'other'
}

export function usePhotoCheck(options: PhotoCheckOptions = {}): PhotoCheck {
  const { send = detect } = options
  const state = shallowRef<PhotoState>('empty')
  const picture = shallowRef<string | null>(null)
  const progress = shallowRef(0)
  const result = shallowRef<Detections | null>(null)
  const fault = shallowRef<PhotoFault | null>(null)
  const error = shallowRef<unknown>(null)
  let run: AbortController | null = null
  let last: File | null = null

  function show(image: File | null): void {
    if (picture.value !== null) URL.revokeObjectURL(picture.value)
    picture.value = image === null ? null : URL.createObjectURL(image)
  }

  function fail(kind: PhotoFault, cause: unknown = null): void {
    fault.value = kind
    error.value = cause
    state.value = 'failed'
  }

  async function check(image: File): Promise<void> {
    run?.abort()
    const mine = new AbortController()
    run = mine
    last = image
    result.value = null
    fault.value = null
    error.value = null
    progress.value = 0
    // What can be refused here need not travel first.
    if (image.type !== '' && !image.type.startsWith('image/')) {
      show(null)
      fail('notImage')
      return
    }
    show(image)
    if (image.size > MAX_PHOTO_MB * 1024 * 1024) {
      fail('tooLarge')
      return
    }
    state.value = 'sending'
    try {
      const answer = await send(image, {
        signal: mine.signal,
        onProgress: (share) => {
          if (mine.signal.aborted) return
          progress.value = share
          if (share >= 1) state.value = 'analysing'
        },
      })
      if (mine.signal.aborted) return
      result.value = answer
      state.value = 'done'
    } catch (cause) {
      if (mine.signal.aborted || isAbort(cause)) return
      fail(faultOf(cause), cause)
    }
  }

  function reset(): void {
    run?.abort()
    show(null)
    last = null
    state.value = 'empty'
    result.value = null
    fault.value = null
  }

  onScopeDispose(reset)

  return {
    state,
    picture,
    progress,
    result,
    fault,
    error,
    check,
    again: async () => {
      if (last !== null) await check(last)
    },
    reset,
  }
}
