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
  source_id?: string
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
  after?: string
}

export interface SearchHit {
  score: number
  /** Reaches the threshold. */
  accepted: boolean
  /** So near to the next that a human has to decide. */
  near_tie: boolean
  person: Person | null
  sighting: Sighting | null
}

export interface SearchAnswer {
  query_id: string
  /** The face that was looked for. */
  covered: boolean
  threshold: number
  verdict: 'match' | 'near_tie' | 'unknown'
  hits: SearchHit[]
  next: string | null
}

export interface Comparison {
  score: number
  threshold: number
  same: boolean
  /** Pairs of strangers that reach this threshold, as a share. */
  false_match_rate: number
  covered: boolean
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
  erasure_id: string
  subject_id: string
  cause: 'request' | 'expiry' | 'retention'
  reason: string
  state: 'running' | 'done'
  removed: Record<string, number>
  requested_by: string | null
  requested_at: string
  done_at: string | null
}

export interface LegalReport {
  enrolled: number
  limit: number | null
  by_basis: Record<Basis, number>
  by_list: { list_id: string; name: string; persons: number }[]
  ending: Person[]
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
  verdict: LegVerdict
  doubts: Doubt[]
}

/** A sighting that is not on the line. */
export interface LeftOut {
  sighting: Sighting
  why: Doubt
  /** For an impossible one: the way that contradicts it. */
  leg: Leg | null
  /** The line through it instead would be nearly as well supported. */
  disputed: boolean
}

export interface Trajectory {
  person_id: string | null
  person_name: string | null
  line: Sighting[]
  legs: Leg[]
  left_out: LeftOut[]
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
