/** The settings of one camera while they are changed: what differs from the camera is what is sent. */
import { computed, reactive, shallowRef, type ComputedRef, type Reactive, type ShallowRef } from 'vue'
import { changeCamera } from '@/api/cameras'
import type { Camera, CameraChange } from '@/api/types'
import { usePolygons, type Polygons } from './usePolygons'

export interface SettingsValues {
  decode: Camera['decode']
  analysed_fps: Camera['analysed_fps']
  plan: Camera['plan']
  footage: Camera['footage']
  /** Whether a second stream is analysed. */
  second: boolean
  /** Its address when it is to change; it is never told. */
  detectUrl: string
}

export interface CameraSettings {
  values: Reactive<SettingsValues>
  polygons: Polygons
  /** Only what differs. */
  change: ComputedRef<CameraChange>
  dirty: ComputedRef<boolean>
  /** Keys of texts that say what has to be put right before saving. */
  faults: ComputedRef<readonly string[]>
  busy: ShallowRef<boolean>
  load: (camera: Camera) => void
  save: () => Promise<Camera>
}

const ADDRESS = /^(rtsps?|https?|rtmps?|file):\/\//i
const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** `send` is injected in tests. */
export function useCameraSettings(send = changeCamera): CameraSettings {
  const values = reactive<SettingsValues>({
    decode: null,
    analysed_fps: null,
    plan: null,
    footage: 'clips',
    second: false,
    detectUrl: '',
  })
  const polygons = usePolygons()
  const camera = shallowRef<Camera | null>(null)
  const busy = shallowRef(false)

  const change = computed(() => {
    const found: CameraChange = {}
    const now = camera.value
    if (now === null) return found
    if (values.decode !== now.decode) found.decode = values.decode
    if (values.analysed_fps !== now.analysed_fps) found.analysed_fps = values.analysed_fps
    if (!same(values.plan, now.plan)) found.plan = values.plan
    if (values.footage !== now.footage) found.footage = values.footage
    if (!same(polygons.zones(), now.zones)) found.zones = polygons.zones()
    if (!same(polygons.masks(), now.privacy_masks)) found.privacy_masks = polygons.masks()
    const url = values.detectUrl.trim()
    if (!values.second && now.detect_address) found.detect_url = null
    if (values.second && url !== '') found.detect_url = url
    return found
  })

  const faults = computed(() => {
    const found: string[] = []
    if (polygons.draft.value !== null) found.push('tuning.faults.drawing')
    if (polygons.flaws.value.size > 0) found.push('tuning.faults.shape')
    if (values.plan?.some((window) => window.days.length === 0)) found.push('tuning.faults.days')
    const url = values.detectUrl.trim()
    if (values.second && url === '' && !camera.value?.detect_address) found.push('tuning.faults.needUrl')
    if (values.second && url !== '' && !ADDRESS.test(url)) found.push('cameras.badUrl')
    return found
  })

  return {
    values,
    polygons,
    change,
    dirty: computed(() => Object.keys(change.value).length > 0 || polygons.draft.value !== null),
    faults,
    busy,
    load: (given) => {
      camera.value = given
      const { decode, analysed_fps, plan, footage } = given
      Object.assign(values, { decode, analysed_fps, plan, footage })
      values.second = given.detect_address !== null
      values.detectUrl = ''
      polygons.load(given)
    },
    save: async () => {
      if (camera.value === null) throw new Error('settings: expected a camera, got none')
      busy.value = true
      try {
        return await send(camera.value.camera_id, change.value)
      } finally {
        busy.value = false
      }
    },
  }
}
