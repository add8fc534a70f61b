// Face search of the stand-in. Answers as the service does, compares nothing. Its people: `mock-people`.
import { existsSync, readFileSync } from 'node:fs'
import {
  HOUR_MS,
  ago,
  lists,
  persons,
  samples,
  changes,
  imports,
  erasures,
  plans,
  sightings,
  person,
  sample,
  sighting,
  people,
  places,
  track,
  examined,
} from './mock-people.mjs'
import { file, id, now } from './mock-world.mjs'

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
