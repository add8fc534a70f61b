/** What face search sends and takes, by the names the pages use. */
import type { MaskState } from './types'

/** Fractions of the picture. */
export interface FaceBox {
  x0: number
  y0: number
  x1: number
  y1: number
}

/** Newer servers may know more reasons: every use has a text for the unknown. */
export type QualityReason =
  'too_small' | 'blurred' | 'turned' | 'dark' | 'bright' | 'covered' | 'several_faces' | 'no_face'

export type ListKind = 'staff' | 'visitor' | 'watch' | 'own'
export type Basis = 'consent' | 'contract' | 'duty' | 'safety'

export interface FaceList {
  list_id: string
  code: string
  name: string
  kind: ListKind
  alerts: boolean
  keep_days: number | null
  persons: number
  created_at: string
}

export type FaceListDraft = Pick<FaceList, 'name' | 'kind' | 'alerts' | 'keep_days'> & { code?: string }

export interface Person {
  person_id: string
  name: string
  external_ref: string | null
  note: string
  basis: Basis
  basis_detail: string
  consented_at: string | null
  expires_at: string | null
  merged_into: string | null
  list_ids: string[]
  samples: number
  /** The best sample. */
  crop_url: string | null
  created_at: string
  updated_at: string
}

export interface PersonDraft {
  name: string
  external_ref?: string | null
  note: string
  basis: Basis
  basis_detail: string
  consented_at?: string | null
  expires_at?: string | null
  list_ids: string[]
}

export interface PersonQuery {
  q?: string
  list_id?: string
  after?: string
  limit?: number
}

export interface FaceSample {
  sample_id: string
  person_id: string
  crop_url: string
  quality: number
  quality_reasons: QualityReason[]
  mask_state: MaskState
  covered: boolean
  source: 'upload' | 'import' | 'sighting'
  sighting_id: string | null
  created_at: string
}

/** A face in a photo of which nothing was kept. */
export interface ExaminedFace {
  box: FaceBox
  score: number
  quality: number
  quality_reasons: QualityReason[]
  mask_state: MaskState
  covered: boolean
  /** Good enough to be enrolled. */
  usable: boolean
}

export interface Examined {
  width: number
  height: number
  faces: ExaminedFace[]
}

export type ChangeKind = 'merge' | 'split' | 'not_this_person' | 'confirm' | 'lists'

export interface GalleryChange {
  change_id: string
  kind: ChangeKind
  person_id: string
  other_id: string | null
  created_by: string | null
  created_at: string
  undone_at: string | null
}

export type Decision = 'unknown' | 'auto' | 'near_tie' | 'confirmed' | 'rejected' | 'unusable'

export interface Sighting {
  sighting_id: string
  source: 'pass' | 'photo'
  source_id: string
  camera_id: string | null
  camera_name: string | null
  seen_at: string
  lon: number | null
  lat: number | null
  crop_url: string
  mask_state: MaskState
  covered: boolean
  quality: number
  quality_reasons: QualityReason[]
  person_id: string | null
  person_name: string | null
  /** The best sample of that person. */
  person_crop_url: string | null
  decision: Decision
  score: number | null
  threshold: number | null
  runner_up_id: string | null
  runner_up_name: string | null
  runner_up_crop_url: string | null
  runner_up_score: number | null
  decided_at: string | null
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

export type SearchOf = 'persons' | 'sightings'

/** Whom to look for; a photo goes beside it. */
export interface SearchWanted {
  sighting_id?: string
  person_id?: string
  purpose: string
  of: SearchOf
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

/** Somebody enrolled, as far as a hit names them. */
export type PersonHit = Pick<Person, 'person_id' | 'name' | 'external_ref' | 'note' | 'list_ids' | 'crop_url'>

export interface SearchHit {
  score: number
  /** Reaches the threshold, and nobody has said otherwise of such a face. */
  accepted: boolean
  /** Another person is about as alike: a human has to decide. */
  near_tie: boolean
  /** More like a face that is said not to be this person than like the person. */
  contradicted: boolean
  person: PersonHit | null
  sighting: Sighting | null
}

/** x0, y0, x1, y1 as fractions of the photo. */
export type Fractions = [number, number, number, number]

/** A face of the photo that was sent. */
export interface PhotoFace {
  box: Fractions
  quality: number
  quality_reasons: QualityReason[]
  mask_state: MaskState
  covered: boolean
  /** This one was looked for. */
  chosen: boolean
}

export interface SearchAnswer {
  query_id: string
  verdict: 'match' | 'near_tie' | 'unknown'
  threshold: number
  /** Share of pairs of strangers that reach the threshold. */
  false_match_rate: number
  covered: boolean
  /** All faces of the photo, the largest first; none without a photo. */
  faces: PhotoFace[]
  hits: SearchHit[]
  next: string | null
}

export interface Comparison {
  query_id: string
  score: number
  threshold: number
  same: boolean
  verdict: 'same' | 'unsure' | 'different'
  /** The verdict in plain language. */
  words: Record<'zh-CN' | 'en', string>
  false_match_rate: number
  covered: boolean
}

/** A sighting after a human decided about it. */
export interface Decided extends Sighting {
  /** To take it back; null: nothing changed. */
  change_id: string | null
  /** Good enough to be a sample of this person. */
  offers_sample: boolean
}

export interface AboutFaces {
  model: string
  dimension: number
  index_type: string
  /** Tile address of the map; empty: none. */
  map_tiles_url: string
  searches_per_minute: number
  reporting_limit: number
}

export interface FaceQuery {
  query_id: string
  user_id: string
  user_name: string | null
  kind: 'search' | 'compare' | 'batch' | 'person' | 'trajectory' | 'export'
  purpose: string
  subject: string
  shown: number
  address: string | null
  created_at: string
}

export type ImportState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export interface FaceImport {
  import_id: string
  name: string
  state: ImportState
  total: number
  accepted: number
  refused: number
  repeated: number
  detail: string | null
  created_at: string
  ended_at: string | null
}

export interface ImportLine {
  line_no: number
  file: string
  outcome: 'accepted' | 'repeated' | 'refused'
  reason: string | null
  detail: string | null
  person_id: string | null
  sample_id: string | null
}

export interface ImportLineQuery {
  outcome?: ImportLine['outcome']
  after?: string
  limit?: number
}

export interface Erasure {
  /** Null of a preview. */
  erasure_id: string | null
  subject_id: string
  cause: 'request' | 'expiry' | 'retention'
  reason: string
  state: 'running' | 'done' | 'preview'
  /** How many of each kind. */
  removed: Record<string, number>
  requested_by: string | null
  requested_at: string | null
  done_at: string | null
}

/** A receipt in full. */
export interface Receipt extends Erasure {
  /** What was removed, by kind. */
  ids: Record<string, string[]>
  listed_all: boolean
}

export interface PhotoErasure extends Erasure {
  /** Who is enrolled and on the photo. */
  persons: { person_id: string; name: string; score: number }[]
  /** Two persons are about as alike: `person_id` has to say who it is. */
  near_tie: boolean
  /** There were more sightings than one erasure takes. */
  more: boolean
}

export interface LegalReport {
  at: string
  enrolled: number
  /** Enrolled persons from which the law wants a report. */
  limit: number
  by_basis: Record<string, number>
  /** Persons without a day on which they are erased by themselves. */
  without_end: number
  by_list: { list_id: string; name: string; persons: number }[]
  ending: { person_id: string; name: string; basis: string; expires_at: string }[]
  sightings: number
  /** Sightings of nobody who is enrolled. */
  nameless: number
  oldest_seen_at: string | null
  /** Sightings are kept this long at most. */
  sighting_days: number
  erased: number
  erasing: number
}

export type LegVerdict = 'plausible' | 'doubtful' | 'impossible'
/** Why a leg is not certain, or a sighting not on the line. Newer servers may know more. */
export type Doubt =
  'too_fast' | 'near_tie' | 'weak_score' | 'long_gap' | 'impossible' | 'rejected' | 'no_place' | 'unusable'

export interface Leg {
  from_sighting_id: string
  to_sighting_id: string
  seconds: number
  distance_m: number
  speed_m_s: number | null
  /** Allowing for clocks that differ and faces away from their camera. */
  least_speed_m_s: number
  verdict: LegVerdict
  doubts: Doubt[]
}

/** A sighting that is not on the line. */
export interface LeftOut {
  sighting_id: string
  why: Doubt
  /** The sighting on the line that makes it impossible. */
  contradicts: string | null
  /** The line through it instead would be nearly as well supported. */
  disputed: boolean
}

export interface Trajectory {
  person_id: string | null
  person_name: string | null
  from: string
  to: string
  /** Oldest first; also those that are not on the line. */
  sightings: Sighting[]
  /** Of the line, and the impossible ones that contradict it. */
  legs: Leg[]
  left_out: LeftOut[]
  /** False: there are older ones; ask for less time. */
  whole: boolean
}

export interface FloorPlan {
  plan_id: string
  name: string
  width: number
  height: number
  west: number
  south: number
  east: number
  north: number
  picture_url: string
  created_at: string
}

/** What live clients are told of a sighting. */
export interface Seen {
  sighting_id: string
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
