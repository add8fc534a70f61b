/**
 * What crosses the wire, as `docs/reference/miniprogram-api.openapi.json` describes it. Written by hand in the shape a
 * generator gives, so that generated types can take this file's place. Unknown fields are ignored, nullable ones may
 * also be missing; times are RFC 3339 in UTC, boxes are fractions of the picture.
 */

export type Role = 'administrator' | 'officer' | 'guard'
export type Permission = 'camera.manage' | 'camera.view_all' | 'user.manage' | 'pass.view' | 'photo.detect'
export type MaskState = 'with_mask' | 'without_mask' | 'mask_worn_incorrectly'
export type CameraState = 'connecting' | 'live' | 'down' | 'disabled'

/** Why a camera gives no picture. Newer servers may know more codes: every use has a text for the unknown. */
export type CameraReason =
  | 'refused'
  | 'timeout'
  | 'unauthorised'
  | 'not_found'
  | 'no_video'
  | 'unsupported_codec'
  | 'frozen'
  | 'closed'
  | 'invalid_data'
  | 'blocked_address'
  | 'file_missing'
  | 'file_outside'
  | 'no_report'

export interface Problem {
  type?: string
  title?: string
  status: number
  detail?: string
  errors?: { field: string; message: string }[]
}

export interface User {
  user_id: string
  username: string
  display_name: string | null
  role: Role
  permissions: Permission[]
  must_change_password: boolean
}

export interface Session {
  access_token: string
  expires_in: number
  user: User
}

export interface Camera {
  camera_id: string
  name: string
  lon: number | null
  lat: number | null
  model: string | null
  enabled: boolean
  is_demo: boolean
  state: CameraState
  state_reason: string | null
  state_detail: string | null
  state_at: string | null
  width: number | null
  height: number | null
  fps: number | null
  codec: string | null
  last_frame_at: string | null
  skipped_frames: number | null
  address: string | null
  created_at: string
}

export interface CameraDraft {
  name: string
  url: string
  lon?: number | null
  lat?: number | null
}

export interface CameraChange {
  name?: string
  url?: string
  lon?: number | null
  lat?: number | null
  enabled?: boolean
}

export interface CameraTest {
  ok: boolean
  reason: string | null
  detail: string | null
  codec: string | null
  width: number | null
  height: number | null
  fps: number | null
  playable: boolean | null
  snapshot: string | null
  elapsed_ms: number | null
}

export interface PlayTicket {
  ticket: string
  expires_in: number
  stream_url: string
  snapshot_url: string
}

export interface Box {
  x0: number
  y0: number
  x1: number
  y1: number
}

export interface Pass {
  pass_id: string
  camera_id: string
  camera_name: string | null
  state: MaskState
  protected: boolean
  confidence: number
  opened_at: string
  last_seen_at: string | null
  closed_at: string | null
  frames: number | null
  box: Box | null
  face_url: string | null
  scene_url: string | null
}

export interface Page<T> {
  items: T[]
  next?: string | null
}

export interface PassQuery {
  after?: string
  limit?: number
  camera_id?: string
  state?: MaskState
  from?: string
  to?: string
}

export type StateCounts = Record<MaskState, number>

export interface Counters {
  buckets: ({ start: string } & StateCounts)[]
  totals: StateCounts
}

export interface Detection {
  label: MaskState
  score: number
  box: [number, number, number, number]
  face_score: number | null
}

export interface Detections {
  width: number
  height: number
  model: string | null
  elapsed_ms: number | null
  boxes: Detection[]
}

export interface EventTicket {
  ticket: string
  expires_in: number
}

export interface PassEvent {
  at: string
  pass: Pass
}

export interface CameraEvent {
  at: string
  camera: Camera
  /** The camera was removed. */
  deleted?: boolean
}
