/** The cameras this user may see, kept current by live events. One list for the wall, the filters and the camera page. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { listCameras } from '@/api/cameras'
import type { Camera } from '@/api/types'

export type LoadState = 'idle' | 'loading' | 'ready' | 'failed'

export const useCameras = defineStore('cameras', () => {
  const byId = shallowRef<ReadonlyMap<string, Camera>>(new Map())
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let loading: Promise<void> | null = null

  /** In order of arrival, which never changes under the reader's eyes. */
  const cameras = computed(() =>
    [...byId.value.values()].sort((a, b) =>
      a.camera_id < b.camera_id ? -1 : a.camera_id > b.camera_id ? 1 : 0,
    ),
  )

  async function fetchAll(): Promise<void> {
    if (state.value !== 'ready') state.value = 'loading'
    try {
      const items = await listCameras()
      byId.value = new Map(items.map((camera) => [camera.camera_id, camera]))
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      error.value = problem
      // What was loaded before stays on the screen; the next event or retry makes it current.
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  function load(): Promise<void> {
    loading ??= fetchAll().finally(() => {
      loading = null
    })
    return loading
  }

  function put(camera: Camera): void {
    const known = byId.value.get(camera.camera_id)
    // Events go to many people and carry no address; what this user was given stays.
    const address = camera.address ?? known?.address ?? null
    const detect_address = camera.detect_address ?? (camera.address ? null : (known?.detect_address ?? null))
    byId.value = new Map(byId.value).set(camera.camera_id, { ...known, ...camera, address, detect_address })
  }

  function drop(camera_id: string): void {
    const rest = new Map(byId.value)
    rest.delete(camera_id)
    byId.value = rest
  }

  function clear(): void {
    byId.value = new Map()
    state.value = 'idle'
  }

  const find = (camera_id: string): Camera | undefined => byId.value.get(camera_id)

  return { cameras, state, error, load, put, drop, clear, find }
})
