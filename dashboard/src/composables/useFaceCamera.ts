/** The camera of this computer or phone, with a word on each picture while it runs: "nearer", "more light", "good". */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { ExaminedFace } from '@/api/faceTypes'
import { examinePhoto } from '@/api/people'

/** Each has a text (`faces.camera.*`). `insecure`: browsers give cameras only to https and to this machine. */
export type CameraFault = 'insecure' | 'denied' | 'missing' | 'busy'

export interface FaceCameraOptions {
  /** Pause between two examinations, ms. Default 500. */
  everyMs?: number
  /** Injected in tests. */
  open?: () => Promise<MediaStream>
  grab?: (video: HTMLVideoElement, longestPx: number) => Promise<Blob | null>
  examine?: (photo: Blob, options: { signal: AbortSignal }) => Promise<{ faces: ExaminedFace[] }>
}

export interface FaceCamera {
  running: Readonly<ShallowRef<boolean>>
  fault: Readonly<ShallowRef<CameraFault | null>>
  /** The largest face of the last picture; null: nobody. Undefined: not known (yet). */
  face: Readonly<ShallowRef<ExaminedFace | null | undefined>>
  start: (video: HTMLVideoElement) => Promise<void>
  /** A picture as large as the camera gives it. */
  take: () => Promise<File | null>
  stop: () => void
}

/** For hints a small picture is enough. */
const HINT_PX = 640
const FULL_PX = 1920

async function openCamera(): Promise<MediaStream> {
  const devices = (navigator as Partial<Navigator>).mediaDevices
  if (devices === undefined) throw new DOMException('no secure origin', 'SecurityError')
  return devices.getUserMedia({
    video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 960 } },
    audio: false,
  })
}

async function grabPicture(video: HTMLVideoElement, longestPx: number): Promise<Blob | null> {
  const { videoWidth, videoHeight } = video
  if (videoWidth === 0) return null
  const scale = Math.min(1, longestPx / Math.max(videoWidth, videoHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(videoWidth * scale)
  canvas.height = Math.round(videoHeight * scale)
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92))
}

function faultOf(error: unknown): CameraFault {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'SecurityError') return 'insecure'
  if (name === 'NotAllowedError') return 'denied'
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'missing' : 'busy'
}

export function useFaceCamera(options: FaceCameraOptions = {}): FaceCamera {
  const { everyMs = 500, open = openCamera, grab = grabPicture, examine = examinePhoto } = options
  const running = shallowRef(false)
  const fault = shallowRef<CameraFault | null>(null)
  const face = shallowRef<ExaminedFace | null | undefined>(undefined)
  let stream: MediaStream | null = null
  let screen: HTMLVideoElement | null = null
  let run = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function look(mine: AbortController): Promise<void> {
    try {
      const picture = screen === null ? null : await grab(screen, HINT_PX)
      if (picture !== null && !mine.signal.aborted) {
        const { faces } = await examine(picture, { signal: mine.signal })
        if (!mine.signal.aborted) face.value = faces[0] ?? null
      }
    } catch {
      // a hint that did not come; the next one may
      if (!mine.signal.aborted) face.value = undefined
    }
    if (!mine.signal.aborted) timer = setTimeout(() => void look(mine), everyMs)
  }

  async function start(video: HTMLVideoElement): Promise<void> {
    stop()
    const mine = run
    fault.value = null
    try {
      const opened = await open()
      if (mine.signal.aborted) {
        for (const track of opened.getTracks()) track.stop()
        return
      }
      stream = opened
      screen = video
      video.srcObject = opened
      await video.play()
      running.value = true
      void look(mine)
    } catch (error) {
      if (mine.signal.aborted) return
      stop()
      fault.value = faultOf(error)
    }
  }

  async function take(): Promise<File | null> {
    const picture = screen === null ? null : await grab(screen, FULL_PX)
    return picture === null ? null : new File([picture], 'shot.jpg', { type: 'image/jpeg' })
  }

  function stop(): void {
    run.abort()
    run = new AbortController()
    clearTimeout(timer)
    for (const track of stream?.getTracks() ?? []) track.stop()
    if (screen !== null) screen.srcObject = null
    stream = null
    screen = null
    running.value = false
    face.value = undefined
  }

  onScopeDispose(stop)
  return { running, fault, face, start, take, stop }
}
