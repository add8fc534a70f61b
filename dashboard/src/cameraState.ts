/** What a camera's state means for what is shown. */
import type { CameraState, HourOfCamera } from './api/types'

/** Whether there is a picture to show; that of a stale camera is an old one. */
export const hasPicture = (state: CameraState): boolean =>
  state === 'online' || state === 'degraded' || state === 'stale'

/** Whether a picture of this camera is one of now. */
export const isLive = (state: CameraState): boolean => state === 'online' || state === 'degraded'

/** Whether nobody wants the camera now: no picture is no trouble. */
export const rests = (state: CameraState): boolean => state === 'paused' || state === 'disabled'

/** Kinds of time of a camera, from good to unknown, in the order in which they are drawn. */
export const TIMES = ['online', 'degraded', 'stale', 'offline', 'paused', 'unknown'] as const
export type Time = (typeof TIMES)[number]
export type Times = Pick<HourOfCamera, `${Time}_s`>

/** Seconds of each kind. */
export const secondsOf = (times: Times, kind: Time): number => times[`${kind}_s`]

/** With less there is nothing to tell yet, seconds. */
const LEAST_S = 30

/** Share of the wanted time with pictures, 0 to 1; null when it was not wanted, or nothing is known. */
export function uptimeOf(times: Times): number | null {
  const known = times.online_s + times.degraded_s + times.stale_s + times.offline_s
  const wanted = known + times.unknown_s
  return known < LEAST_S ? null : (times.online_s + times.degraded_s) / wanted
}
