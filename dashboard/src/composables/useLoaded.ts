/** One thing that is loaded by a key; a changed key forgets the answer that is still on its way. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { isAbort } from '@/api/problem'
import type { LoadState } from '@/stores/cameras'

export interface LoadedOptions<Key, Value> {
  /** Null: nothing is wanted. */
  key: Readonly<Ref<Key | null>>
  /** `shown`: what is on the screen while it is asked again; null: it is asked from the beginning. */
  load: (key: Key, signal: AbortSignal, shown: Value | null) => Promise<Value>
  /** Whether somebody looks; who comes back is answered at once. Default: always. */
  active?: Readonly<Ref<boolean>>
  /** Ask again so long after each answer, ms. Default: never by itself. */
  everyMs?: number
  /** Whether it may change still; what has come to its end is not asked again. Null: it could not be loaded. */
  moving?: (shown: Value | null) => boolean
}

export interface Loaded<Value> {
  value: ShallowRef<Value | null>
  state: Readonly<ShallowRef<LoadState>>
  error: ShallowRef<unknown>
  /** From the beginning, with nothing shown meanwhile. */
  reload: () => Promise<void>
  /** Ask again behind what is shown; a failure keeps it and is told by `error`. */
  refresh: () => Promise<void>
}

export function useLoaded<Key, Value>(options: LoadedOptions<Key, Value>): Loaded<Value> {
  const { key, load, active = shallowRef(true), everyMs, moving = () => true } = options
  const value = shallowRef<Value | null>(null)
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let run = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  function halt(): void {
    clearTimeout(timer)
    run.abort()
  }

  async function refresh(): Promise<void> {
    halt()
    const mine = (run = new AbortController())
    if (key.value === null || !active.value) return
    try {
      const found = await load(key.value, mine.signal, value.value)
      if (mine.signal.aborted) return
      value.value = found
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      if (state.value !== 'ready') state.value = 'failed'
    }
    if (everyMs !== undefined && moving(value.value)) timer = setTimeout(() => void refresh(), everyMs)
  }

  async function reload(): Promise<void> {
    value.value = null
    error.value = null
    state.value = key.value === null || !active.value ? 'idle' : 'loading'
    await refresh()
  }

  watch(
    [key, active],
    ([wanted, on], [before]) =>
      void (wanted !== before || (on && value.value === null) ? reload() : refresh()),
    { immediate: true },
  )
  onScopeDispose(halt)
  return { value, state, error, reload, refresh }
}
