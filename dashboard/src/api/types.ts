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
/** What the stream doctor found; newer servers may know more stages. */
export type Examination = Schemas['Examination']
export type StageFinding = Schemas['Examination.StageFinding']
/** A sentence in both languages. */
export type TwoWords = Schemas['Examination.Words']
export type PlayTicket = Schemas['PlayTicketOut']
export type Pass = Schemas['PassOut']
export type MaskState = Pass['state']
export type Box = Pass['box']
export type Outage = Schemas['OutagePage.OutageOut']
export type HourOfCamera = Schemas['HoursOut.HourOut']
export type HoursOfCamera = Schemas['HoursOut']
export type Counters = Schemas['CountersOut']
export type Presence = Schemas['PresenceOut']
export type StateCounts = Record<MaskState, number>
export type Detections = Schemas['DetectionsOut']
export type Detection = Detections['boxes'][number]
export type EventTicket = Schemas['TicketOut']
export type Footage = Schemas['FootagePage']['items'][number]
export type FootageKind = Footage['kind']
export type Timeline = Schemas['TimelineOut']
export type Storage = Schemas['StorageOut']
export type StorageKind = Storage['held'][number]['kind']

export type FrameBatch = Schemas['BatchOut']
export type FrameBatchDetail = Schemas['BatchDetailOut']
export type FramesWanted = Schemas['CameraBatchIn']
export type FramePage = Schemas['FramePage']
export type ArchivedFrame = FramePage['items'][number]

export type Permission = User['permissions'][number]

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
  | 'device_busy'
  | 'no_rights'
  | 'few_pictures'
  | 'damaged'
  | 'overloaded'
  | 'not_analysed'
  | 'no_room'
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

export interface FrameBatchQuery {
  after?: string
  limit?: number
  camera_id?: string
}

export interface FrameQuery {
  /** Frames behind this place in the order. */
  after?: number
  limit?: number
  state?: ArchivedFrame['state']
}

export interface FootageQuery {
  after?: string
  limit?: number
  camera_id?: string
  kind?: FootageKind
  pass_id?: string
  from?: string
  to?: string
  order?: 'newest' | 'oldest'
}

/** The side file of footage: faces by time, in the order of time. */
export interface FootageBoxes {
  started_at: string
  width: number
  height: number
  /** `t`: seconds from the beginning of the video. */
  frames: { t: number; faces: { box: Box; score: number; state: MaskState; state_score: number }[] }[]
}

export interface PassEvent {
  at: string
  pass: Pass
}

/** A camera gives no picture any more (`camera_down`), or its outage is over (`camera_up`). */
export interface OutageEvent {
  at: string
  /** Pictures come again; false when they went, or when nobody wants them any more. */
  back: boolean
  outage: Outage
}

export interface CameraEvent {
  at: string
  camera: Camera
  /** The camera was removed. */
  deleted?: boolean
}
