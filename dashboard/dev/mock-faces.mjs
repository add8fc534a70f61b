// Face search of the stand-in: people, sightings and a walk, in memory. Answers as the service does, compares nothing.
import { randomUUID } from 'node:crypto'
import { cameras, faces, file, id, now } from './mock-world.mjs'
import { existsSync, readFileSync } from 'node:fs'

const NAMES = ['陈安', '王卫', '李思远', '张雨桐', '刘建国', '赵敏', '孙浩', '周婷', '吴磊', '郑凯']
const HOUR_MS = 3_600_000
const ago = (ms) => new Date(Date.now() - ms).toISOString()
const crop = (n) => `/faces/pictures/face-${n % Math.max(1, faces.length)}?ticket=mock`

const lists = [
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
const persons = new Map()
const samples = new Map()
const changes = []
const imports = []
const erasures = []
const plans = []
const sightings = []

function person(given, n) {
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

function sample(whom, n, source = 'upload') {
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

function sighting(whom, camera, at, n, given = {}) {
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

const people = NAMES.map((name, n) =>
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
const places = [...cameras.values()]
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

function track(whom) {
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

const examined = {
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
const page = (items) => ({ items, next: null })

/** The newest sighting as live clients are told, for an alert. */
export function alertOf() {
  const whom = people[4]
  const camera = places[0]
  if (!whom || !camera) return null
  const seen = sighting(whom, camera, Date.now(), 13)
  return { ...seen, list_names: ['重点关注'], alerts: true, sample_crop_url: whom.crop_url }
}

function searched(body) {
  const found = body.includes('"sightings"') || body.includes('\r\nsightings') ? sightings.slice(0, 20) : null
  const hits = (found ?? people).map((one, n) => ({
    score: Math.max(0.05, 0.83 - n * 0.09),
    accepted: n < 4,
    near_tie: n === 1 || n === 2,
    contradicted: false,
    person: found ? null : one,
    sighting: found ? one : null,
  }))
  return {
    query_id: id(),
    verdict: 'near_tie',
    threshold: 0.42,
    false_match_rate: 1e-5,
    covered: false,
    faces: [],
    hits,
    next: null,
  }
}

/** Status and body of an answer, or undefined: not of this service. */
export function faceSearch(method, path, query, body) {
  const json = body.length && body[0] === 123 ? JSON.parse(body.toString()) : {}
  const [, kind, one, what] = path.replace('/faces', '').split('/')
  const whom = persons.get(one)
  const seen = sightings.find((each) => each.sighting_id === one)
  const route = `${method} ${kind}${one ? '/*' : ''}${what ? `/${what}` : ''}`
  const answers = {
    'GET about': () => [
      200,
      {
        model: 'sface-2021dec',
        dimension: 128,
        index_type: 'FLAT',
        map_tiles_url: '',
        searches_per_minute: 30,
        reporting_limit: 100_000,
      },
    ],
    'GET lists': () => [
      200,
      page(
        lists.map((list) => ({
          ...list,
          persons: [...persons.values()].filter((p) => p.list_ids.includes(list.list_id)).length,
        })),
      ),
    ],
    'POST lists': () => [
      201,
      lists[
        lists.push({
          list_id: id(),
          code: id().toLowerCase(),
          keep_days: null,
          persons: 0,
          created_at: now(),
          ...json,
        }) - 1
      ],
    ],
    'PATCH lists/*': () => [
      200,
      Object.assign(
        lists.find((list) => list.list_id === one),
        json,
      ),
    ],
    'DELETE lists/*': () => [
      204,
      void lists.splice(
        lists.findIndex((list) => list.list_id === one),
        1,
      ),
    ],
    'GET persons': () => [
      200,
      page(
        [...persons.values()].filter(
          (p) =>
            (!query.get('q') || `${p.name}${p.external_ref}`.includes(query.get('q'))) &&
            (!query.get('list_id') || p.list_ids.includes(query.get('list_id'))),
        ),
      ),
    ],
    'POST persons': () => [201, person(json)],
    'GET persons/*': () => (whom ? [200, whom] : [404, null]),
    'PATCH persons/*': () => [200, Object.assign(whom, json)],
    'GET persons/*/samples': () => [200, page([...samples.values()].filter((s) => s.person_id === one))],
    'POST persons/*/samples': () => [201, sample(whom, samples.size)],
    'POST persons/*/erasure': () => {
      const receipt = {
        erasure_id: json.dry_run ? null : id(),
        subject_id: one,
        cause: 'request',
        reason: json.reason,
        state: json.dry_run ? 'preview' : 'done',
        removed: { persons: 1, samples: whom.samples, sightings: 7, vectors: 10, pictures: 17 },
        requested_by: null,
        requested_at: now(),
        done_at: now(),
      }
      if (!json.dry_run) {
        persons.delete(one)
        erasures.unshift(receipt)
      }
      return [202, receipt]
    },
    'GET persons/*/trajectory': () => [200, track(one)],
    'DELETE samples/*': () => [204, void samples.delete(one)],
    'GET changes': () => [200, page(changes)],
    'POST examine': () => [200, examined],
    'GET sightings': () => [
      200,
      page(sightings.filter((s) => !query.get('decision') || s.decision === query.get('decision'))),
    ],
    'GET sightings/*': () => (seen ? [200, seen] : [404, null]),
    'POST sightings/*/confirm': () => [
      200,
      Object.assign(seen, {
        decision: 'confirmed',
        person_id: json.person_id,
        person_name: persons.get(json.person_id)?.name,
        decided_at: now(),
        change_id: id(),
        offers_sample: true,
      }),
    ],
    'POST sightings/*/reject': () => [
      200,
      Object.assign(seen, {
        decision: 'rejected',
        person_id: null,
        decided_at: now(),
        change_id: id(),
        offers_sample: false,
      }),
    ],
    'GET sightings/*/trajectory': () => [200, track(people[0].person_id)],
    'POST search': () => [200, searched(body.toString('latin1'))],
    'POST compare': () => [
      200,
      {
        query_id: id(),
        score: 0.57,
        threshold: 0.36,
        same: true,
        verdict: 'same',
        words: {},
        false_match_rate: 1e-4,
        covered: false,
      },
    ],
    'GET queries': () => [
      200,
      page([
        {
          query_id: id(),
          user_id: id(),
          user_name: '陈安',
          kind: 'search',
          purpose: '寻找走失人员',
          subject: 'photo',
          parameters: {},
          shown: 12,
          shown_ids: [],
          address: '192.168.1.20',
          created_at: now(),
        },
      ]),
    ],
    'GET imports': () => [200, page(imports)],
    'POST imports': () => [
      202,
      imports[
        imports.unshift({
          ...imports[0],
          import_id: id(),
          name: '新导入.zip',
          state: 'running',
          accepted: 12,
          refused: 1,
          created_at: now(),
          ended_at: null,
        }) && 0
      ],
    ],
    'POST imports/*/cancel': () => [
      200,
      Object.assign(
        imports.find((it) => it.import_id === one),
        { state: 'cancelled' },
      ),
    ],
    'GET imports/*/lines': () => [
      200,
      page([
        {
          line_no: 1,
          file: '李思远/1.jpg',
          outcome: 'accepted',
          reason: null,
          detail: null,
          person_id: people[2].person_id,
          sample_id: null,
        },
        {
          line_no: 2,
          file: '合影/IMG_2044.jpg',
          outcome: 'refused',
          reason: 'several_faces',
          detail: null,
          person_id: null,
          sample_id: null,
        },
      ]),
    ],
    'GET erasures': () => [200, page(erasures)],
    'GET erasures/*': () => [
      200,
      { ...erasures.find((it) => it.erasure_id === one), ids: {}, listed_all: true },
    ],
    'GET legal-report': () => [
      200,
      {
        at: now(),
        enrolled: persons.size,
        limit: 100_000,
        by_basis: { consent: persons.size },
        without_end: 9,
        by_list: lists.map((list) => ({ list_id: list.list_id, name: list.name, persons: 3 })),
        ending: [...persons.values()].filter((p) => p.expires_at),
        sightings: sightings.length,
        nameless: 0,
        oldest_seen_at: ago(HOUR_MS),
        sighting_days: 30,
        erased: erasures.length,
        erasing: 0,
      },
    ],
    'GET floor-plans': () => [200, { items: plans }],
  }
  return answers[route]?.() ?? [404, null]
}

/** The picture of an address, or null. */
export function facePicture(name) {
  const target = file(`${name.replace('face-', 'pass-')}-face.jpg`)
  return existsSync(target) ? readFileSync(target) : null
}
