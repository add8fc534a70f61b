/** The clip of one pass. A clip comes some seconds after the pass closed, so it is asked for again for a while. */
import { computed, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { listFootage } from '@/api/footage'
import type { Footage, Pass } from '@/api/types'
import { useLoaded } from './useLoaded'

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
  clip: ComputedRef<Footage | null>
  state: ComputedRef<ClipState>
  error: Readonly<ShallowRef<unknown>>
  reload: () => void
}

const findClip = async (pass_id: string, signal: AbortSignal): Promise<Footage | null> =>
  (await listFootage({ pass_id, kind: 'clip', limit: 1 }, signal)).items[0] ?? null

export function usePassClip(options: PassClipOptions): PassClip {
  const { pass, find = findClip } = options
  const mayCome = (of: Pass | null) =>
    of !== null &&
    !of.protected &&
    (of.closed_at === null || Date.now() - Date.parse(of.last_seen_at) < GIVE_UP_MS)

  const it = useLoaded<string, { clip: Footage | null; coming: boolean }>({
    key: computed(() => pass.value?.pass_id ?? null),
    everyMs: AGAIN_MS,
    moving: (shown) => shown?.coming ?? false,
    load: async (pass_id, signal) => {
      const clip = await find(pass_id, signal)
      return { clip, coming: clip === null && mayCome(pass.value) }
    },
  })
  const clip = computed(() => it.value.value?.clip ?? null)
  const state = computed<ClipState>(() => {
    if (it.state.value === 'idle') return 'none'
    if (it.state.value !== 'ready') return it.state.value
    return clip.value !== null ? 'ready' : it.value.value?.coming ? 'coming' : 'none'
  })
  return { clip, state, error: it.error, reload: () => void it.reload() }
}
