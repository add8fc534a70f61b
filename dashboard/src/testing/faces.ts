/** Things as face search sends them. */
import type {
  Decided,
  Leg,
  Person,
  SearchAnswer,
  SearchHit,
  Seen,
  Sighting,
  Trajectory,
  WatchAlert,
} from '@/api/faceTypes'

export const aPerson = (change: Partial<Person> = {}): Person => ({
  person_id: 'P1',
  name: '陈安',
  external_ref: 'A-1',
  note: '',
  basis: 'consent',
  basis_detail: '',
  consented_at: '2026-01-01T00:00:00.000Z',
  expires_at: null,
  merged_into: null,
  list_ids: [],
  samples: 1,
  crop_url: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  ...change,
})

export const aSighting = (change: Partial<Sighting> = {}): Sighting => ({
  sighting_id: 'S1',
  source: 'pass',
  source_id: 'p1',
  camera_id: 'c1',
  camera_name: 'Gate',
  seen_at: '2026-03-01T08:00:00.000Z',
  lon: 116.39,
  lat: 39.9,
  crop_url: '/faces/pictures/S1?ticket=t',
  mask_state: 'without_mask',
  covered: false,
  quality: 0.8,
  quality_reasons: [],
  person_id: 'P1',
  person_name: '陈安',
  person_crop_url: null,
  decision: 'auto',
  score: 0.6,
  threshold: 0.4,
  runner_up_id: null,
  runner_up_name: null,
  runner_up_crop_url: null,
  runner_up_score: null,
  decided_at: null,
  ...change,
})

export const aDecided = (change: Partial<Decided> = {}): Decided => ({
  ...aSighting({ decision: 'confirmed' }),
  change_id: 'G1',
  offers_sample: true,
  ...change,
})

export const aPersonHit = (change: Partial<NonNullable<SearchHit['person']>> = {}) => ({
  person_id: 'P1',
  name: '陈安',
  external_ref: 'A-1',
  note: '',
  list_ids: [],
  crop_url: null,
  ...change,
})

export const aHit = (change: Partial<SearchHit> = {}): SearchHit => ({
  score: 0.6,
  accepted: true,
  near_tie: false,
  contradicted: false,
  person: null,
  sighting: aSighting(),
  ...change,
})

export const anAnswer = (change: Partial<SearchAnswer> = {}): SearchAnswer => ({
  query_id: 'Q1',
  verdict: 'match',
  threshold: 0.4,
  false_match_rate: 1e-5,
  covered: false,
  faces: [],
  hits: [aHit()],
  next: null,
  ...change,
})

export const aLeg = (change: Partial<Leg> = {}): Leg => ({
  from_sighting_id: 'S1',
  to_sighting_id: 'S2',
  seconds: 60,
  distance_m: 80,
  speed_m_s: 1.3,
  least_speed_m_s: 0.8,
  verdict: 'plausible',
  doubts: [],
  weight: 0.9,
  ...change,
})

export const aTrajectory = (change: Partial<Trajectory> = {}): Trajectory => ({
  person_id: 'P1',
  person_name: '陈安',
  since: '2026-03-01T00:00:00.000Z',
  until: '2026-03-02T00:00:00.000Z',
  sightings: [],
  legs: [],
  left_out: [],
  whole: true,
  ...change,
})

export const aSeen = (change: Partial<Seen> = {}): Seen => ({
  sighting_id: 'S1',
  source: 'pass',
  source_id: 'p1',
  camera_id: 'c1',
  camera_name: 'Gate',
  seen_at: '2026-03-01T08:00:00.000Z',
  decision: 'auto',
  person_id: 'P1',
  person_name: '陈安',
  list_names: ['重点关注'],
  alerts: true,
  score: 0.61,
  threshold: 0.4,
  covered: false,
  crop_url: '/faces/pictures/S1?ticket=t',
  sample_crop_url: '/faces/pictures/F1?ticket=t',
  ...change,
})

export const aWatchAlert = (change: Partial<WatchAlert> = {}): WatchAlert => ({
  alert_id: 'W1',
  raised_at: '2026-03-01T08:00:01.000Z',
  seen_at: '2026-03-01T08:00:00.000Z',
  person_id: 'P1',
  person_name: '陈安',
  person_crop_url: '/faces/pictures/F1?ticket=t',
  list_names: ['重点关注'],
  score: 0.61,
  threshold: 0.4,
  near_tie: false,
  acknowledged_by: null,
  acknowledged_by_name: null,
  acknowledged_at: null,
  sighting: aSighting(),
  ...change,
})
