/** One thing that is loaded by a key; a changed key forgets the answer that is still on its way. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { isAbort } from '@/api/problem'
import type { LoadState } from '@/stores/cameras'

export interface LoadedOptions<Key, Value> {
  /** Null: nothing is wanted. */
  key: Readonly<Ref<Key | null>>
  load: (key: Key, signal: AbortSignal) => Promise<Value>
}

export interface Loaded<Value> {
  value: ShallowRef<Value | null>
  state: Readonly<ShallowRef<LoadState>>
  error: Readonly<ShallowRef<unknown>>
  /** From the beginning, with nothing shown meanwhile. */
  reload: () => Promise<void>
  /** Ask again behind what is shown; a failure keeps it and is told by `error`. */
  refresh: () => Promise<void>
}

export function useLoaded<Key, Value>(options: LoadedOptions<Key, Value>): Loaded<Value> {
  const { key, load } = options
  const value = shallowRef<Value | null>(null)
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let run = new AbortController()

  async function refresh(): Promise<void> {
    run.abort()
    const mine = (run = new AbortController())
    if (key.value === null) return
    try {
      const found = await load(key.value, mine.signal)
      if (mine.signal.aborted) return
      value.value = found
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  async function reload(): Promise<void> {
    value.value = null
    error.value = null
    state.value = key.value === null ? 'idle' : 'loading'
    await refresh()
  }

  watch(key, () => void reload(), { immediate: true })
  onScopeDispose(() => run.abort())
  return { value, state, error, reload, refresh }
}
