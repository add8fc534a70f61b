/**
 * A protected picture for an `<img>`. Addresses carry a short ticket and are used as they are; when the ticket has run out
 * the picture is fetched once more with the access token.
 */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { client } from '@/api/client'

export interface MediaPictureOptions {
  address: Readonly<Ref<string | null>>
  /** Injected in tests. */
  fetchPicture?: (address: string, signal: AbortSignal) => Promise<Blob>
}

export interface MediaPicture {
  source: Readonly<ShallowRef<string | null>>
  state: Readonly<ShallowRef<'loading' | 'ready' | 'failed'>>
  onLoad: () => void
  onError: () => void
}

async function fetchWithToken(address: string, signal: AbortSignal): Promise<Blob> {
  const url = new URL(address, location.origin)
  url.searchParams.delete('ticket')
  // Only our own API ever sees the token.
  if (url.origin !== location.origin) throw new Error(`media: expected ${location.origin}, got ${url.origin}`)
  return (await client.raw(url.pathname + url.search, { signal })).blob()
}

export function useMediaPicture(options: MediaPictureOptions): MediaPicture {
  const { address, fetchPicture = fetchWithToken } = options
  const source = shallowRef<string | null>(null)
  const state = shallowRef<'loading' | 'ready' | 'failed'>('loading')
  let objectUrl: string | null = null
  let run: AbortController | null = null
  let shown: string | null = null

  function forget(): void {
    run?.abort()
    run = null
    if (objectUrl !== null) URL.revokeObjectURL(objectUrl)
    objectUrl = null
  }

  async function fetchOnce(): Promise<void> {
    if (address.value === null) return
    const mine = new AbortController()
    run = mine
    try {
      const blob = await fetchPicture(address.value, mine.signal)
      if (mine.signal.aborted) return
      objectUrl = URL.createObjectURL(blob)
      source.value = objectUrl
    } catch {
      if (!mine.signal.aborted) state.value = 'failed'
    }
  }

  function onError(): void {
    if (run === null) void fetchOnce()
    else state.value = 'failed'
  }

  watch(
    address,
    (next) => {
      // The same picture under a new ticket is not loaded again.
      const path = next?.split('?')[0] ?? null
      if (path !== null && path === shown && state.value === 'ready') return
      forget()
      shown = path
      state.value = next === null ? 'failed' : 'loading'
      if (next === null) source.value = null
      else if (next.includes('ticket=') || next.startsWith('data:') || next.startsWith('blob:'))
        source.value = next
      else {
        source.value = null
        void fetchOnce()
      }
    },
    { immediate: true },
  )
  onScopeDispose(forget)

  return {
    source,
    state,
    onLoad: () => {
      state.value = 'ready'
    },
    onError,
  }
}
