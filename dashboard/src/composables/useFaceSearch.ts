/** One search for a face: by a photo, a sighting or somebody enrolled; pages of hits. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { SearchAnswer, SearchHit, SearchWanted } from '@/api/faceTypes'
import { searchKnown, searchPhoto } from '@/api/faceSearch'
import { isAbort } from '@/api/problem'

export type SearchState = 'idle' | 'searching' | 'done' | 'failed'

export interface FaceSearchOptions {
  /** Injected in tests. */
  byPhoto?: (photo: Blob, wanted: SearchWanted, options: { signal: AbortSignal }) => Promise<SearchAnswer>
  byId?: (wanted: SearchWanted, signal: AbortSignal) => Promise<SearchAnswer>
}

export interface FaceSearching {
  state: Readonly<ShallowRef<SearchState>>
  /** The first page: verdict and threshold; `hits` has those of all pages. */
  answer: Readonly<ShallowRef<SearchAnswer | null>>
  hits: Readonly<ShallowRef<SearchHit[]>>
  error: Readonly<ShallowRef<unknown>>
  hasMore: Readonly<ShallowRef<boolean>>
  loadingMore: Readonly<ShallowRef<boolean>>
  search: (photo: Blob | null, wanted: SearchWanted) => Promise<void>
  /** The same search again. */
  again: () => Promise<void>
  loadMore: () => Promise<void>
  /** A human decided about one of the hits. */
  put: (hit: SearchHit) => void
  reset: () => void
}

export const keyOfHit = (hit: SearchHit): string => hit.sighting?.sighting_id ?? hit.person?.person_id ?? ''

export function useFaceSearch(options: FaceSearchOptions = {}): FaceSearching {
  const { byPhoto = searchPhoto, byId = searchKnown } = options
  const state = shallowRef<SearchState>('idle')
  const answer = shallowRef<SearchAnswer | null>(null)
  const hits = shallowRef<SearchHit[]>([])
  const error = shallowRef<unknown>(null)
  const hasMore = shallowRef(false)
  const loadingMore = shallowRef(false)
  let run = new AbortController()
  let last: { photo: Blob | null; wanted: SearchWanted } | null = null
  let next: string | null = null

  const ask = (after: string | undefined, signal: AbortSignal): Promise<SearchAnswer> => {
    if (last === null) throw new Error('search: expected one to go on with, got none')
    const wanted = { ...last.wanted, after }
    return last.photo === null ? byId(wanted, signal) : byPhoto(last.photo, wanted, { signal })
  }

  function take(page: SearchAnswer): void {
    const known = new Set(hits.value.map(keyOfHit))
    hits.value = [...hits.value, ...page.hits.filter((hit) => !known.has(keyOfHit(hit)))]
    next = page.next
    hasMore.value = next !== null
  }

  async function search(photo: Blob | null, wanted: SearchWanted): Promise<void> {
    reset()
    last = { photo, wanted }
    const mine = run
    state.value = 'searching'
    try {
      const page = await ask(undefined, mine.signal)
      if (mine.signal.aborted) return
      answer.value = page
      take(page)
      state.value = 'done'
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
      state.value = 'failed'
    }
  }

  async function loadMore(): Promise<void> {
    if (next === null || loadingMore.value) return
    const mine = run
    loadingMore.value = true
    try {
      const page = await ask(next, mine.signal)
      if (mine.signal.aborted) return
      take(page)
      error.value = null
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
    }
    loadingMore.value = false
  }

  function put(hit: SearchHit): void {
    hits.value = hits.value.map((known) => (keyOfHit(known) === keyOfHit(hit) ? hit : known))
  }

  function reset(): void {
    run.abort()
    run = new AbortController()
    state.value = 'idle'
    answer.value = null
    hits.value = []
    error.value = null
    next = null
    hasMore.value = false
    loadingMore.value = false
  }

  onScopeDispose(() => run.abort())
  return {
    state,
    answer,
    hits,
    error,
    hasMore,
    loadingMore,
    search,
    again: async () => {
      if (last !== null) await search(last.photo, last.wanted)
    },
    loadMore,
    put,
    reset,
  }
}
