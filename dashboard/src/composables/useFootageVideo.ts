/**
 * One stored video in a `<video>`: its boxes in step with the picture, and a new address when the ticket has run out.
 * The picture that is shown tells its own time (`requestVideoFrameCallback`), so boxes never run ahead of it.
 */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { footageBoxes, listFootage } from '@/api/footage'
import { isAbort } from '@/api/problem'
import type { Footage, FootageBoxes } from '@/api/types'
import { facesAt, type FaceAt } from '@/footage/boxes'
import { canPlay } from '@/footage/playable'

export type VideoState = 'idle' | 'loading' | 'ready' | 'unplayable' | 'failed'

export interface FootageVideoOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>
  footage: Readonly<Ref<Footage | null>>
  /** Injected in tests. */
  boxes?: (footage: Footage, signal: AbortSignal) => Promise<FootageBoxes | null>
  renew?: (footage: Footage, signal: AbortSignal) => Promise<Footage | null>
  playable?: (mime: string) => boolean
}

export interface FootageVideo {
  source: Readonly<ShallowRef<string | null>>
  state: Readonly<ShallowRef<VideoState>>
  faces: Readonly<ShallowRef<FaceAt[]>>
  /** Time of the picture that is shown, seconds from the beginning. */
  position: Readonly<ShallowRef<number>>
  onReady: () => void
  onError: () => void
  retry: () => void
}

async function renewed(footage: Footage, signal: AbortSignal): Promise<Footage | null> {
  const query =
    footage.pass_id === null
      ? { camera_id: footage.camera_id, kind: footage.kind, from: footage.started_at, to: footage.ended_at }
      : { pass_id: footage.pass_id }
  const page = await listFootage({ ...query, limit: 20 }, signal)
  return page.items.find((each) => each.footage_id === footage.footage_id) ?? null
}

export function useFootageVideo(options: FootageVideoOptions): FootageVideo {
  const { video, footage, boxes = footageBoxes, renew = renewed, playable = canPlay } = options
  const source = shallowRef<string | null>(null)
  const state = shallowRef<VideoState>('idle')
  const faces = shallowRef<FaceAt[]>([])
  const position = shallowRef(0)
  let frames: FootageBoxes['frames'] = []
  let run = new AbortController()
  let renewals = 0
  let resumeAt = 0
  let handle: number | null = null

  function show(seconds: number): void {
    position.value = seconds
    faces.value = frames.length === 0 ? [] : facesAt(frames, seconds)
  }

  function watchPictures(element: HTMLVideoElement): void {
    const onPicture = (_now: number, meta: { mediaTime: number }) => {
      show(meta.mediaTime)
      handle = element.requestVideoFrameCallback(onPicture)
    }
    if ('requestVideoFrameCallback' in element) handle = element.requestVideoFrameCallback(onPicture)
  }

  async function loadBoxes(of: Footage, mine: AbortController): Promise<void> {
    try {
      const found = await boxes(of, mine.signal)
      if (mine.signal.aborted) return
      frames = found?.frames ?? []
      show(position.value)
    } catch (problem) {
      if (!isAbort(problem)) frames = [] // a video without boxes is better than none
    }
  }

  function begin(of: Footage | null): void {
    run.abort()
    run = new AbortController()
    frames = []
    faces.value = []
    position.value = 0
    renewals = 0
    resumeAt = 0
    source.value = null
    state.value = of === null ? 'idle' : playable(of.mime) ? 'loading' : 'unplayable'
    if (of === null || state.value === 'unplayable') return
    source.value = of.video_url
    void loadBoxes(of, run)
  }

  function onReady(): void {
    state.value = 'ready'
    renewals = 0
    const element = video.value
    if (element !== null && resumeAt > 0) element.currentTime = resumeAt
    resumeAt = 0
  }

  async function takeNewAddress(): Promise<void> {
    const of = footage.value
    const mine = run
    if (of === null) return
    resumeAt = position.value
    try {
      const fresh = await renew(of, mine.signal)
      if (mine.signal.aborted) return
      if (fresh === null) state.value = 'failed'
      else source.value = fresh.video_url
    } catch (problem) {
      if (!mine.signal.aborted && !isAbort(problem)) state.value = 'failed'
    }
  }

  /** The ticket runs out after ten minutes: a new address is asked for once before this counts as failed. */
  function onError(): void {
    if (source.value === null) return
    renewals += 1
    if (renewals > 1) state.value = 'failed'
    else void takeNewAddress()
  }

  function retry(): void {
    renewals = 0
    state.value = 'loading'
    void takeNewAddress()
  }

  watch(
    () => footage.value?.footage_id,
    () => begin(footage.value),
    { immediate: true },
  )
  watch(
    video,
    (element, before) => {
      if (before && handle !== null && 'cancelVideoFrameCallback' in before)
        before.cancelVideoFrameCallback(handle)
      handle = null
      if (element) watchPictures(element)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => run.abort())

  return { source, state, faces, position, onReady, onError, retry }
}
