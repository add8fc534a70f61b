/** Still pictures of a camera, one after another: what is shown when its stream cannot play. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { playTicket } from '@/api/cameras'
import { isAbort } from '@/api/problem'
import type { PlayTicket } from '@/api/types'
import { snapshotAddress } from '@/live/address'

export interface SnapshotsOptions {
  cameraId: Readonly<Ref<string>>
  active: Readonly<Ref<boolean>>
  /** Time from one picture to the next, ms. Default 1000. */
  everyMs?: number
  /** Fetch one picture only. Default false. */
  once?: boolean
  /** Injected in tests. */
  ticket?: (cameraId: string, signal: AbortSignal) => Promise<PlayTicket>
  fetchPicture?: (address: string, signal: AbortSignal) => Promise<Still>
}

/** One still picture, and how old it was when it came, ms. */
export interface Still {
  blob: Blob
  ageMs: number
}

export interface Snapshots {
  /** Object URL of the newest picture, or null before the first. */
  picture: Readonly<ShallowRef<string | null>>
  /** When that picture was taken, ms since the epoch by our own clock. */
  takenAt: Readonly<ShallowRef<number | null>>
  /** The newest attempt gave no picture. */
  failed: Readonly<ShallowRef<boolean>>
}

async function fetchStill(address: string, signal: AbortSignal): Promise<Still> {
  const response = await fetch(address, { signal, cache: 'no-store' })
  if (!response.ok) throw new Error(`snapshot: expected 200, got ${response.status}`)
  const age = Number(response.headers.get('X-Picture-Age') ?? 0)
  return { blob: await response.blob(), ageMs: Number.isFinite(age) ? age * 1000 : 0 }
}

export function useSnapshots(options: SnapshotsOptions): Snapshots {
  const {
    cameraId,
    active,
    everyMs = 1000,
    once = false,
    ticket = playTicket,
    fetchPicture = fetchStill,
  } = options
  const picture = shallowRef<string | null>(null)
  const takenAt = shallowRef<number | null>(null)
  const failed = shallowRef(false)
  let run: AbortController | null = null

  function show(still: Still | null): void {
    if (picture.value !== null) URL.revokeObjectURL(picture.value)
    picture.value = still === null ? null : URL.createObjectURL(still.blob)
    takenAt.value = still === null ? null : Date.now() - still.ageMs
  }

  async function loop(mine: AbortController): Promise<void> {
    let opened: PlayTicket | null = null
    let openedAt = 0
    for (let turn = 0; !mine.signal.aborted; turn += 1) {
      try {
        // A ticket is renewed at half of its life, so that it never ends between two pictures.
        if (opened === null || Date.now() - openedAt > opened.expires_in * 500) {
          opened = await ticket(cameraId.value, mine.signal)
          openedAt = Date.now()
        }
        const still = await fetchPicture(
          snapshotAddress(opened.snapshot_url, opened.ticket, turn),
          mine.signal,
        )
        if (mine.signal.aborted) return
        show(still)
        failed.value = false
      } catch (error) {
        if (mine.signal.aborted || isAbort(error)) return
        failed.value = true
        opened = null
      }
      if (once) return
      await new Promise((resolve) => setTimeout(resolve, failed.value ? everyMs * 4 : everyMs))
    }
  }

  function stop(): void {
    run?.abort()
    run = null
  }

  watch(
    [active, cameraId],
    ([on], previous) => {
      stop()
      if (previous[1] !== undefined && previous[1] !== cameraId.value) show(null)
      if (!on) return
      run = new AbortController()
      void loop(run)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    stop()
    show(null)
  })

  return { picture, takenAt, failed }
}
