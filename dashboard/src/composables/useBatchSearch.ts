/** Whose faces are these: many photos in one search, each with how far it is and what was found. */
import { computed, onScopeDispose, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { searchBatch } from '@/api/faceSearch'
import type { BatchAnswer, BatchItem, BatchWanted } from '@/api/faceTypes'
import { isAbort } from '@/api/problem'
import type { UploadOptions } from '@/api/upload'
import { smallerPhoto } from '@/faces/smallerPhoto'
import { photoFault, type PhotoFault } from './usePhotoFile'

/** Photos of one search, as the service has it. */
export const MAX_BATCH = 64
/** What the gateway lets through in one request, with room for what surrounds the photos, bytes. */
const MAX_BATCH_BYTES = 60 * 1024 * 1024

/** `preparing`: made smaller. `left`: too much for one search. */
export type PictureState = 'waiting' | 'preparing' | 'sending' | 'searching' | 'done' | 'left'

export interface BatchPicture {
  id: number
  file: File
  url: string
  state: PictureState
  /** Share that is sent, 0 to 1. */
  share: number
  found: BatchItem | null
}

export interface BatchSearchOptions {
  /** Injected in tests. */
  send?: (photos: readonly File[], wanted: BatchWanted, options: UploadOptions) => Promise<BatchAnswer>
  lessen?: (photo: File) => Promise<File>
  maxBytes?: number
}

export interface BatchSearch {
  pictures: Readonly<ShallowRef<BatchPicture[]>>
  busy: Readonly<ShallowRef<boolean>>
  /** Pictures that were not searched for yet. */
  open: ComputedRef<number>
  error: Readonly<ShallowRef<unknown>>
  /** Why the last file was not taken. */
  fault: Readonly<ShallowRef<PhotoFault | 'tooMany' | null>>
  add: (files: Iterable<File>) => void
  drop: (id: number) => void
  clear: () => void
  /** Those that were not searched for yet; all again when there is none. */
  search: (wanted: BatchWanted) => Promise<void>
  cancel: () => void
}

/** How much of each photo is sent when so many bytes of all of them are. */
export function sharesOf(sizes: readonly number[], sent: number): number[] {
  let before = 0
  return sizes.map((size) => {
    const share = size === 0 ? 1 : Math.min(1, Math.max(0, (sent - before) / size))
    before += size
    return share
  })
}

export function useBatchSearch(options: BatchSearchOptions = {}): BatchSearch {
  const { send = searchBatch, lessen = smallerPhoto, maxBytes = MAX_BATCH_BYTES } = options
  const pictures = shallowRef<BatchPicture[]>([])
  const busy = shallowRef(false)
  const error = shallowRef<unknown>(null)
  const fault = shallowRef<PhotoFault | 'tooMany' | null>(null)
  let run = new AbortController()
  let count = 0

  const unanswered = () => pictures.value.filter((picture) => picture.found === null)

  function set(id: number, change: Partial<BatchPicture>): void {
    pictures.value = pictures.value.map((picture) =>
      picture.id === id ? { ...picture, ...change } : picture,
    )
  }

  function add(files: Iterable<File>): void {
    if (busy.value) return
    fault.value = null
    for (const file of files) {
      const wrong = pictures.value.length >= MAX_BATCH ? 'tooMany' : photoFault(file)
      if (wrong !== null) {
        fault.value = wrong
        continue
      }
      const fresh = { id: ++count, file, url: URL.createObjectURL(file), share: 0, found: null }
      pictures.value = [...pictures.value, { ...fresh, state: 'waiting' }]
    }
  }

  function drop(id: number): void {
    const gone = pictures.value.find((picture) => picture.id === id)
    if (gone === undefined) return
    URL.revokeObjectURL(gone.url)
    pictures.value = pictures.value.filter((picture) => picture !== gone)
    fault.value = null
  }

  /** As they are sent; what would be too much for one request is left for the next. */
  async function prepared(wanted: readonly BatchPicture[], signal: AbortSignal) {
    const ready: { id: number; photo: File }[] = []
    let bytes = 0
    for (const { id, file } of wanted) {
      set(id, { state: 'preparing', share: 0 })
      const photo = await lessen(file)
      signal.throwIfAborted()
      bytes += photo.size
      const fits = bytes <= maxBytes
      set(id, { state: fits ? 'sending' : 'left' })
      if (fits) ready.push({ id, photo })
      else bytes -= photo.size
    }
    return ready
  }

  function showSent(ids: readonly number[], shares: readonly number[]): void {
    const all = new Map(ids.map((id, at) => [id, shares[at] ?? 0]))
    pictures.value = pictures.value.map((picture) => {
      const share = all.get(picture.id)
      return share === undefined
        ? picture
        : { ...picture, share, state: share >= 1 ? 'searching' : 'sending' }
    })
  }

  async function search(wanted: BatchWanted): Promise<void> {
    if (busy.value || pictures.value.length === 0) return
    run = new AbortController()
    const { signal } = run
    busy.value = true
    error.value = fault.value = null
    if (unanswered().length === 0) for (const { id } of pictures.value) set(id, { found: null })
    try {
      const ready = await prepared(unanswered(), signal)
      const ids = ready.map(({ id }) => id)
      const sizes = ready.map(({ photo }) => photo.size)
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      const answer = await send(
        ready.map(({ photo }) => photo),
        wanted,
        { signal, onProgress: (share) => showSent(ids, sharesOf(sizes, share * bytes)) },
      )
      for (const found of answer.items) {
        const id = ids[found.index]
        if (id !== undefined) set(id, { state: 'done', found })
      }
    } catch (problem) {
      if (!signal.aborted && !isAbort(problem)) error.value = problem
    } finally {
      // what came to nothing can be tried again
      for (const { id, state } of unanswered()) if (state !== 'left') set(id, { state: 'waiting', share: 0 })
      busy.value = false
    }
  }

  function clear(): void {
    run.abort()
    for (const { url } of pictures.value) URL.revokeObjectURL(url)
    pictures.value = []
    error.value = fault.value = null
  }

  onScopeDispose(clear)
  return {
    pictures,
    busy,
    open: computed(() => unanswered().length),
    error,
    fault,
    add,
    drop,
    clear,
    search,
    cancel: () => run.abort(),
  }
}
