/**
 * What crosses the wire, by the names the pages use. The shapes are generated from the server's own description
 * (`make contracts`); what stands here by hand is what that description does not have: events, and queries.
 */
import type { components } from './generated/api'

type Schemas = components['schemas']

export type Session = Schemas['SessionOut']
export type User = Schemas['UserOut']
export type Role = User['role']
export type Problem = Partial<Schemas['Problem']> & { status: number }
export type Camera = Schemas['CameraOut']
export type CameraState = Camera['state']
export type CameraDraft = Pick<Schemas['CameraIn'], 'name' | 'url'> & Partial<Schemas['CameraIn']>
export type CameraChange = Partial<Schemas['CameraPatch']>
export type CameraTest = Schemas['ProbeOut']
export type PlayTicket = Schemas['PlayTicketOut']
export type Pass = Schemas['PassOut']
export type MaskState = Pass['state']
export type Box = Pass['box']
export type Counters = Schemas['CountersOut']
export type Presence = Schemas['PresenceOut']
export type StateCounts = Record<MaskState, number>
export type Detections = Schemas['DetectionsOut']
export type Detection = Detections['boxes'][number]
export type EventTicket = Schemas['TicketOut']

export type Permission =
  'camera.manage' | 'camera.view_all' | 'camera.unmasked' | 'user.manage' | 'pass.view' | 'photo.detect'

/** Why a camera gives no picture, or not all of them. Newer servers may know more codes: every use has a text for the unknown. */
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
  | 'few_pictures'
  | 'damaged'
  | 'overloaded'
  | 'not_analysed'
  | 'unsteady'
  | 'plan'
  | 'no_report'

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
