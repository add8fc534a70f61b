/** Plays a movement: a moment that runs from start to end at a speed. */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { fittingSpeed, stopAt, type Stop, type Track } from '@/track/track'

export interface TrackPlayerOptions {
  track: Readonly<Ref<Track | null>>
  /** Calls back before the next picture. Injected in tests. */
  nextFrame?: (run: (now: number) => void) => number
  cancelFrame?: (handle: number) => void
}

export interface TrackPlayer {
  /** The moment shown, ms since the epoch. */
  at: ShallowRef<number>
  playing: Readonly<ShallowRef<boolean>>
  /** Times faster than life. */
  speed: ShallowRef<number>
  /** Where somebody was seen last. */
  stop: ComputedRef<Stop | null>
  toggle: () => void
  pause: () => void
  seek: (at: number) => void
  /** To the stop before or after. */
  step: (by: -1 | 1) => void
}

/** A tab in the background gets no pictures for a while; then time does not jump. */
const LONGEST_FRAME_MS = 100

export function useTrackPlayer(options: TrackPlayerOptions): TrackPlayer {
  const {
    track,
    nextFrame = (run) => requestAnimationFrame(run),
    cancelFrame = (handle) => cancelAnimationFrame(handle),
  } = options
  const at = shallowRef(0)
  const playing = shallowRef(false)
  const speed = shallowRef(60)
  let handle = 0
  let last: number | null = null

  const within = (moment: number) =>
    track.value === null ? 0 : Math.min(track.value.end, Math.max(track.value.start, moment))

  function frame(now: number): void {
    const passed = last === null ? 0 : Math.min(LONGEST_FRAME_MS, now - last)
    last = now
    at.value = within(at.value + passed * speed.value)
    if (track.value === null || at.value >= track.value.end) pause()
    else handle = nextFrame(frame)
  }

  function pause(): void {
    cancelFrame(handle)
    playing.value = false
  }

  function toggle(): void {
    if (playing.value) return pause()
    if (track.value === null || track.value.end <= track.value.start) return
    if (at.value >= track.value.end) at.value = track.value.start
    playing.value = true
    last = null
    handle = nextFrame(frame)
  }

  function seek(moment: number): void {
    at.value = within(moment)
  }

  function step(by: -1 | 1): void {
    const stops = track.value?.stops ?? []
    const target =
      by === 1 ? stops.find((stop) => stop.at > at.value) : stops.filter((stop) => stop.at < at.value).at(-1)
    if (target !== undefined) seek(target.at)
  }

  watch(
    track,
    (next) => {
      pause()
      at.value = next?.end ?? 0
      if (next !== null) speed.value = fittingSpeed(next)
    },
    { immediate: true },
  )
  onScopeDispose(pause)

  const stop = computed(() => (track.value === null ? null : stopAt(track.value, at.value)))
  return { at, playing, speed, stop, toggle, pause, seek, step }
}
