// People, sightings and a walk of the stand-in, in memory. `mock-faces` answers from them.
import { randomUUID } from 'node:crypto'
import { cameras, faces, id, now } from './mock-world.mjs'

const NAMES = ['陈安', '王卫', '李思远', '张雨桐', '刘建国', '赵敏', '孙浩', '周婷', '吴磊', '郑凯']
export const HOUR_MS = 3_600_000
export const ago = (ms) => new Date(Date.now() - ms).toISOString()
const crop = (n) => `/faces/pictures/face-${n % Math.max(1, faces.length)}?ticket=mock`

export const lists = [
  ['staff', '员工', 'staff', false],
  ['visitor', '访客', 'visitor', false],
  ['watch', '重点关注', 'watch', true],
].map(([code, name, kind, alerts]) => ({
  list_id: id(),
  code,
  name,
  kind,
  alerts,
  keep_days: kind === 'visitor' ? 7 : null,
  persons: 0,
  created_at: now(),
}))
export const persons = new Map()
export const samples = new Map()
export const changes = []
export const imports = []
export const erasures = []
export const plans = []
export const sightings = []

export function person(given, n) {
  const one = {
    person_id: id(),
    external_ref: null,
    note: '',
    basis: 'consent',
    basis_detail: '',
    consented_at: ago(90 * 24 * HOUR_MS),
    expires_at: null,
    merged_into: null,
    list_ids: [],
    samples: 0,
    crop_url: null,
    created_at: now(),
    updated_at: now(),
    ...given,
  }
  persons.set(one.person_id, one)
  if (n !== undefined) sample(one, n)
  return one
}

export function sample(whom, n, source = 'upload') {
  const one = {
    sample_id: id(),
    person_id: whom.person_id,
    crop_url: crop(n),
    quality: 0.72 + (n % 5) / 20,
    quality_reasons: [],
    mask_state: 'without_mask',
    covered: false,
    source,
    sighting_id: null,
    created_at: now(),
  }
  samples.set(one.sample_id, one)
  whom.samples += 1
  whom.crop_url ??= one.crop_url
  return one
}

export function sighting(whom, camera, at, n, given = {}) {
  const one = {
    sighting_id: id(),
    source: 'pass',
    source_id: randomUUID(),
    camera_id: camera.camera_id,
    camera_name: camera.name,
    seen_at: new Date(at).toISOString(),
    lon: camera.lon,
    lat: camera.lat,
    crop_url: crop(n),
    mask_state: 'without_mask',
    covered: false,
    quality: 0.81,
    quality_reasons: [],
    person_id: whom?.person_id ?? null,
    person_name: whom?.name ?? null,
    person_crop_url: whom?.crop_url ?? null,
    decision: whom ? 'auto' : 'unknown',
    score: whom ? 0.61 : null,
    threshold: 0.42,
    runner_up_id: null,
    runner_up_name: null,
    runner_up_crop_url: null,
    runner_up_score: null,
    decided_at: null,
    ...given,
  }
  sightings.unshift(one)
  return one
}

export const people = NAMES.map((name, n) =>
  person(
    {
      name,
      external_ref: `A-${1024 + n}`,
      list_ids: [lists[n === 4 ? 2 : n % 2].list_id],
      expires_at: n === 3 ? new Date(Date.now() + 12 * 24 * HOUR_MS).toISOString() : null,
    },
    n === 9 ? undefined : n * 3,
  ),
)
for (const n of [1, 2]) if (people[0]) sample(people[0], n, n === 2 ? 'import' : 'upload')
export const places = [...cameras.values()]
const walk = [0, 1, 1, 2, 0, 4, 5]
walk.forEach((at, step) => {
  const camera = places[at % Math.max(1, places.length)]
  if (camera)
    sighting(
      people[0],
      camera,
      Date.now() - (walk.length - step) * 9 * 60_000,
      step * 2,
      step === 5 ? { score: 0.45 } : {},
    )
})
for (let n = 0; n < 3 && places.length; n += 1)
  sighting(people[n], places[n % places.length], Date.now() - (n + 1) * 20 * 60_000, n * 3 + 1, {
    decision: 'near_tie',
    score: 0.51,
    runner_up_id: people[n + 1].person_id,
    runner_up_name: people[n + 1].name,
    runner_up_crop_url: people[n + 1].crop_url,
    runner_up_score: 0.49,
  })
imports.push({
  import_id: id(),
  name: '装配车间.zip',
  state: 'done',
  total: 42,
  accepted: 38,
  repeated: 1,
  refused: 3,
  detail: null,
  created_at: ago(HOUR_MS),
  ended_at: ago(HOUR_MS - 40_000),
})

export function track(whom) {
  const seen = sightings.filter((one) => one.person_id === whom && one.decision !== 'near_tie').reverse()
  const legs = seen.slice(1).map((to, n) => {
    const from = seen[n]
    const seconds = (Date.parse(to.seen_at) - Date.parse(from.seen_at)) / 1000
    const distance_m = Math.hypot((to.lon - from.lon) * 85_000, (to.lat - from.lat) * 111_000)
    const doubts = n === 3 ? ['weak_score'] : []
    return {
      from_sighting_id: from.sighting_id,
      to_sighting_id: to.sighting_id,
      seconds,
      distance_m,
      speed_m_s: distance_m / seconds,
      least_speed_m_s: distance_m / seconds,
      verdict: doubts.length ? 'doubtful' : 'plausible',
      doubts,
      weight: 0.8,
    }
  })
  const last = seen.at(-1)
  const left_out = []
  if (last) {
    Object.assign(legs.at(-1) ?? {}, { verdict: 'impossible', least_speed_m_s: 31 })
    left_out.push({
      sighting_id: last.sighting_id,
      why: 'impossible',
      contradicts: seen.at(-2)?.sighting_id ?? null,
      disputed: false,
    })
  }
  return {
    person_id: whom,
    person_name: persons.get(whom)?.name ?? null,
    since: ago(7 * 24 * HOUR_MS),
    until: now(),
    sightings: seen,
    legs,
    left_out,
    whole: true,
  }
}

export const examined = {
  width: 640,
  height: 480,
  faces: [
    {
      box: { x0: 0.35, y0: 0.2, x1: 0.65, y1: 0.75 },
      score: 0.98,
      quality: 0.84,
      quality_reasons: [],
      mask_state: 'without_mask',
      covered: false,
      usable: true,
    },
  ],
}
