/** What a camera's state means for what is shown. */
import type { CameraState } from './api/types'

/** Whether there is a picture to show; that of a stale camera is an old one. */
export const hasPicture = (state: CameraState): boolean =>
  state === 'online' || state === 'degraded' || state === 'stale'
