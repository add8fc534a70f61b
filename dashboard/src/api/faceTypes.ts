/**
 * What face search sends and takes, by the names the pages use. The shapes are generated from the service's own description
 * (`make contracts`); what stands here by hand is what that description does not have: queries, forms and events.
 */
import type { components } from './generated/faces'
import type { MaskState } from './types'

type Schemas = components['schemas']

export type AboutFaces = Schemas['AboutOut']
export type FaceList = Schemas['ListOut']
export type FaceListDraft = Pick<Schemas['ListIn'], 'name'> & Partial<Schemas['ListIn']>
export type FaceListChange = Partial<Schemas['ListPatch']>
export type Person = Schemas['PersonOut']
export type PersonDraft = Schemas['PersonIn']
export type Basis = Person['basis']
export type FaceSample = Schemas['SampleOut']
export type Examined = Schemas['ExaminedOut']
export type ExaminedFace = Examined['faces'][number]
export type GalleryChange = Schemas['ChangeOut']
export type Sighting = Schemas['SightingOut']
export type Decision = Sighting['decision']
/** A sighting after a human decided about it. */
export type Decided = Schemas['DecidedOut']
export type SearchAnswer = Schemas['SearchOut']
export type SearchHit = SearchAnswer['hits'][number]
/** A face of the photo that was sent. */
export type PhotoFace = SearchAnswer['faces'][number]
export type BatchAnswer = Schemas['BatchOut']
/** What was found for one photo of a batch. */
export type BatchItem = BatchAnswer['items'][number]
/** Somebody of a watch list was seen, and whether somebody has seen to it. */
export type WatchAlert = Schemas['WatchAlertPage']['items'][number]
export type Comparison = Schemas['CompareOut']
export type FaceQuery = Schemas['LookPage']['items'][number]
export type FaceImport = Schemas['ImportOut']
export type ImportLine = Schemas['LinePage']['items'][number]
export type Erasure = Schemas['ErasureOut']
/** An erasure with the ids of what was removed. */
export type Receipt = Schemas['ReceiptOut']
export type PhotoErasure = Schemas['PhotoErasureOut']
export type LegalReport = Schemas['LegalOut']
export type Trajectory = Schemas['TrajectoryOut']
export type Leg = Trajectory['legs'][number]
/** A sighting that is not on the line. */
export type LeftOut = Trajectory['left_out'][number]
/** Why a leg is not certain, or a sighting not on the line. */
export type Doubt = LeftOut['why']
export type FloorPlan = Schemas['PlanOut']

/** x0, y0, x1, y1 as fractions of the photo. */
export type Fractions = [number, number, number, number]

export interface PersonQuery {
  q?: string
  list_id?: string
  after?: string
  limit?: number
}

export interface SightingQuery {
  person_id?: string
  camera_id?: string
  decision?: Decision
  from?: string
  to?: string
  after?: string
  limit?: number
}

/** Whom to look for; a photo goes beside it. */
export interface SearchWanted {
  sighting_id?: string
  person_id?: string
  /** Why; kept with the search. */
  purpose: string
  of: 'persons' | 'sightings'
  top_k?: number
  threshold?: number
  from?: string
  to?: string
  camera_ids?: string[]
  list_ids?: string[]
  mask_state?: MaskState
  /** Which face of the photo; the largest when left out. */
  box?: Fractions
  after?: string
}

export interface WatchAlertQuery {
  camera_id?: string
  person_id?: string
  acknowledged?: 'true' | 'false'
  /** When they were seen. */
  from?: string
  to?: string
  after?: string
  limit?: number
}

/** Whom the faces of many photos are compared with, and why. */
export interface BatchWanted {
  purpose: string
  /** Most persons for each photo. */
  top_k?: number
  list_ids?: string[]
}

export interface ImportLineQuery {
  outcome?: ImportLine['outcome']
  after?: string
  limit?: number
}

/** What live clients are told of a sighting. */
export interface Seen {
  sighting_id: string
  /** Of the watch alert that it raised; not told by older services. */
  alert_id?: string | null
  source: 'pass' | 'photo'
  source_id: string
  camera_id: string | null
  camera_name: string | null
  seen_at: string
  decision: Decision
  person_id: string | null
  person_name: string | null
  list_names: string[]
  /** One of the lists wants to be told. */
  alerts: boolean
  score: number | null
  threshold: number | null
  covered: boolean
  crop_url: string | null
  sample_crop_url: string | null
}

export interface SeenEvent {
  at: string
  sighting: Seen
}
