/** Tries a camera address: running time while it runs, then the picture or the reason. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { testCamera } from '@/api/cameras'
import { isAbort } from '@/api/problem'
import type { CameraTest } from '@/api/types'

export interface CameraTestOptions {
  /** Injected in tests. */
  run?: (url: string, signal: AbortSignal) => Promise<CameraTest>
}

export interface CameraTesting {
  running: Readonly<ShallowRef<boolean>>
  elapsedS: Readonly<ShallowRef<number>>
  /** Answer for `testedUrl`; null before the first and after a failure of the call itself. */
  result: Readonly<ShallowRef<CameraTest | null>>
  testedUrl: Readonly<ShallowRef<string | null>>
  /** The call itself failed (not the camera). */
  error: Readonly<ShallowRef<unknown>>
  test: (url: string) => Promise<void>
  cancel: () => void
  /** Cancel and forget the answer. */
  reset: () => void
}

export function useCameraTest(options: CameraTestOptions = {}): CameraTesting {
  const { run = testCamera } = options
  const running = shallowRef(false)
  const elapsedS = shallowRef(0)
  const result = shallowRef<CameraTest | null>(null)
  const testedUrl = shallowRef<string | null>(null)
  const error = shallowRef<unknown>(null)
  let attempt: AbortController | null = null
  let timer: ReturnType<typeof setInterval> | undefined

  function cancel(): void {
    attempt?.abort()
    attempt = null
    clearInterval(timer)
    running.value = false
  }

  async function test(url: string): Promise<void> {
    cancel()
    const mine = new AbortController()
    attempt = mine
    result.value = null
    error.value = null
    testedUrl.value = url
    running.value = true
    elapsedS.value = 0
    const startedAt = Date.now()
    timer = setInterval(() => {
      elapsedS.value = Math.floor((Date.now() - startedAt) / 1000)
    }, 250)
    try {
      const answer = await run(url, mine.signal)
      if (mine.signal.aborted) return
      result.value = answer
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
    }
    cancel()
  }

  function reset(): void {
    cancel()
    result.value = null
    error.value = null
    testedUrl.value = null
  }

  onScopeDispose(cancel)

  return { running, elapsedS, result, testedUrl, error, test, cancel, reset }
}
