/** The clip of one pass. A clip comes some seconds after the pass closed, so it is asked for again for a while. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { listFootage } from '@/api/footage'
import { isAbort } from '@/api/problem'
import type { Footage, Pass } from '@/api/types'

/** `none`: there is no clip, and none will come. `coming`: the pass is fresh, its clip is being written. */
export type ClipState = 'loading' | 'coming' | 'ready' | 'none' | 'failed'

/** A clip that is not there this long after the person was last seen will not come. */
const GIVE_UP_MS = 120_000
const AGAIN_MS = 3_000

export interface PassClipOptions {
  pass: Readonly<Ref<Pass | null>>
  /** Injected in tests. */
  find?: (pass_id: string, signal: AbortSignal) => Promise<Footage | null>
}

export interface PassClip {
  clip: Readonly<ShallowRef<Footage | null>>
  state: Readonly<ShallowRef<ClipState>>
  error: Readonly<ShallowRef<unknown>>
  reload: () => void
}

const findClip = async (pass_id: string, signal: AbortSignal): Promise<Footage | null> =>
  (await listFootage({ pass_id, kind: 'clip', limit: 1 }, signal)).items[0] ?? null

export function usePassClip(options: PassClipOptions): PassClip {
  const { pass, find = findClip } = options
  const clip = shallowRef<Footage | null>(null)
  const state = shallowRef<ClipState>('none')
  const error = shallowRef<unknown>(null)
  let run = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  const mayCome = (of: Pass) =>
    !of.protected && (of.closed_at === null || Date.now() - Date.parse(of.last_seen_at) < GIVE_UP_MS)

  async function ask(mine: AbortController): Promise<void> {
    const of = pass.value
    if (of === null) return
    try {
      const found = await find(of.pass_id, mine.signal)
      if (mine.signal.aborted) return
      clip.value = found
      state.value = found !== null ? 'ready' : mayCome(of) ? 'coming' : 'none'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      state.value = 'failed'
    }
    if (state.value === 'coming') timer = setTimeout(() => void ask(mine), AGAIN_MS)
  }

  function begin(): void {
    run.abort()
    clearTimeout(timer)
    run = new AbortController()
    clip.value = null
    state.value = pass.value === null ? 'none' : 'loading'
    void ask(run)
  }

  watch(() => pass.value?.pass_id, begin, { immediate: true })
  onScopeDispose(() => {
    run.abort()
    clearTimeout(timer)
  })
  return { clip, state, error, reload: begin }
}
