// A stand-in for the real services, for developing the dashboard alone. It speaks the same HTTP contract, keeps nothing,
// checks little, and is never shipped. Users: admin/admin-admin, officer/officer-officer, guard/guard-guard, and
// first/first-first, who must change the password. MOCK_EMPTY=1 starts without cameras and passes.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { alertOf, facePicture, faceSearch } from './mock-faces.mjs'
import { footage } from './mock-footage.mjs'
import {
  cameras,
  clips,
  faces,
  failures,
  file,
  id,
  makeCamera,
  makePass,
  now,
  passes,
  rightsOf,
  users,
} from './mock-world.mjs'

const PORT = Number(process.env.MOCK_PORT ?? 8090)
const EMPTY = process.env.MOCK_EMPTY === '1'

// --- live events -------------------------------------------------------------------------------------------------
const log = []
const listeners = new Set()
function tell(event, body) {
  const entry = { id: log.length + 1, text: '' }
  entry.text = `id: ${entry.id}\nevent: ${event}\ndata: ${JSON.stringify({ at: now(), ...body })}\n\n`
  log.push(entry)
  for (const listener of listeners) listener.write(entry.text)
}
if (!EMPTY) {
  setInterval(
    () => {
      const pass = makePass(Date.now(), true)
      tell('pass', { pass })
      setTimeout(() => {
        pass.closed_at = pass.last_seen_at = now()
        tell('pass', { pass })
      }, 5000)
    },
    Number(process.env.MOCK_PASS_MS ?? 6000),
  )
}
setTimeout(
  () => {
    const sighting = EMPTY ? null : alertOf()
    if (sighting) tell('watch', { sighting })
  },
  Number(process.env.MOCK_ALERT_MS ?? 20_000),
)
setInterval(() => {
  for (const listener of listeners) listener.write(': ping\n\n')
}, 15_000)

// --- HTTP --------------------------------------------------------------------------------------------------------
function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(body === undefined ? '' : JSON.stringify(body))
}
const problem = (response, status, detail, errors = [], headers = {}) =>
  answer(response, status, { type: 'about:blank', title: detail, status, detail, errors }, headers)

const session = (user) => ({
  access_token: `token-${user.username}`,
  expires_in: 900,
  user: {
    user_id: id(),
    username: user.username,
    display_name: user.display_name,
    ...rightsOf(user.role),
    must_change_password: user.must,
  },
})

async function readBody(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function picture(response, name) {
  const target = file(`${name}.jpg`)
  if (existsSync(target)) {
    response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Cache-Control': 'max-age=60' })
    response.end(readFileSync(target))
    return
  }
  response.writeHead(200, { 'Content-Type': 'image/svg+xml' })
  response.end(
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320"><rect width="320" height="320" fill="#345"/><circle cx="160" cy="150" r="70" fill="#9ab"/></svg>',
  )
}

function login(response, given) {
  const user = users.get(given.username)
  if ((failures.get(given.username) ?? 0) >= 5) {
    setTimeout(() => failures.delete(given.username), 20_000)
    return problem(response, 429, 'too many failures', [], { 'Retry-After': '20' })
  }
  if (user?.password !== given.password) {
    failures.set(given.username, (failures.get(given.username) ?? 0) + 1)
    return problem(response, 401, 'login: expected a known name with its password')
  }
  failures.delete(given.username)
  answer(response, 200, session(user), {
    'Set-Cookie': `xunshi_refresh=${user.username}; Path=/api/v1/auth; HttpOnly; SameSite=Strict`,
  })
}

function counters(response, query) {
  const buckets = new Map()
  const totals = { with_mask: 0, without_mask: 0, mask_worn_incorrectly: 0 }
  for (const pass of passes) {
    if (pass.opened_at < query.get('from') || pass.opened_at >= query.get('to')) continue
    const start = `${pass.opened_at.slice(0, 13)}:00:00.000Z`
    if (!buckets.has(start))
      buckets.set(start, { start, with_mask: 0, without_mask: 0, mask_worn_incorrectly: 0 })
    buckets.get(start)[pass.state] += 1
    totals[pass.state] += 1
  }
  answer(response, 200, {
    buckets: [...buckets.values()].sort((a, b) => (a.start < b.start ? -1 : 1)),
    totals,
  })
}

function listPasses(response, query) {
  const limit = Number(query.get('limit') ?? 50)
  const wanted = passes.filter(
    (pass) =>
      (!query.get('camera_id') || pass.camera_id === query.get('camera_id')) &&
      (!query.get('state') || pass.state === query.get('state')) &&
      (!query.get('from') || pass.opened_at >= query.get('from')) &&
      (!query.get('to') || pass.opened_at < query.get('to')) &&
      (!query.get('after') || pass.opened_at < query.get('after')),
  )
  const items = wanted.slice(0, limit)
  answer(response, 200, { items, next: wanted.length > limit ? items[items.length - 1].opened_at : null })
}

const STAGES = [
  ['resolve', '解析地址', 'Address', '192.168.1.64'],
  ['connect', '建立连接', 'Connection', '192.168.1.64:554'],
  ['login', '登录', 'Login', 'Digest'],
  ['describe', '视频流描述', 'Stream description', 'RTSP'],
  ['key_frame', '首个关键帧', 'First key frame', '640 × 360'],
  ['codec', '编码', 'Codec', 'H.264 High'],
  ['size', '分辨率', 'Picture size', '1920 × 1080'],
  ['rate', '帧率与码率', 'Frame rate and bit rate', '25 /s, 4.1 Mbit/s'],
  ['key_interval', '关键帧间隔', 'Key-frame interval', '2 s'],
  ['audio', '声音', 'Sound', 'PCMA'],
  ['clock', '时钟', 'Clock', '0 s'],
]

/** The stream doctor: lines as they come. Paths /refused, /timeout, /denied fail; an address with 265 gets a remark. */
async function examine(response, url) {
  const path = new URL(url).pathname
  const [fault, at] = {
    '/refused': ['refused', 1],
    '/timeout': ['timeout', 1],
    '/denied': ['unauthorised', 2],
  }[path] ?? [null, -1]
  const words = (text) => ({ zh: text, en: text })
  const findings = []
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  const send = (line) => response.write(`${JSON.stringify(line)}\n`)
  for (const [index, [stage, zh, en, found]] of STAGES.entries()) {
    const name = { zh, en }
    const after = fault !== null && index > at
    if (after) {
      findings.push({ stage, name, status: 'skipped', took_ms: 0 })
      continue
    }
    send({ finding: { stage, name, status: 'running', took_ms: 0 } })
    await new Promise((resolve) => setTimeout(resolve, fault === 'timeout' && index === at ? 5000 : 250))
    const poor = stage === 'codec' && url.includes('265')
    const finding = { stage, name, status: index === at ? 'failed' : poor ? 'warning' : 'ok', took_ms: 250 }
    if (index !== at) finding.found = words(poor ? 'H.265' : found)
    if (index === at || poor) {
      finding.problem = { zh: '这一步没有成功', en: 'This did not work' }
      finding.advice = { zh: '检查地址、端口和网络', en: 'Check address, port and network' }
    }
    findings.push(finding)
    send({ finding })
  }
  const snapshot =
    fault === null && existsSync(file('cam-0.jpg'))
      ? `data:image/jpeg;base64,${readFileSync(file('cam-0.jpg')).toString('base64')}`
      : null
  const report = fault
    ? { ok: false, reason: fault, detail: `${fault}: expected a video stream, got none` }
    : { ok: true, codec: url.includes('265') ? 'hevc' : 'h264', width: 1920, height: 1080, fps: 25, snapshot }
  send({ report: { findings, playable: !url.includes('265'), elapsed_ms: 1600, ...report } })
  response.end()
}

async function api(request, response, path, query) {
  const body = await readBody(request)
  const json =
    request.headers['content-type']?.includes('json') && body.length > 0 ? JSON.parse(body.toString()) : {}
  const route = `${request.method} ${path}`
  if (route === 'POST /auth/login') return login(response, json)
  if (route === 'POST /auth/refresh') {
    const user = users.get(/xunshi_refresh=(\w+)/.exec(request.headers.cookie ?? '')?.[1])
    return user
      ? answer(response, 200, session(user))
      : problem(response, 401, 'refresh token: expected a cookie')
  }
  if (path.startsWith('/faces/')) return facesApi(request, response, path, query, body)
  if (path === '/events') return events(request, response, query)
  if (path.startsWith('/media/') && query.has('ticket')) return picture(response, path.slice(7))
  const user = users.get(/Bearer token-(\w+)/.exec(request.headers.authorization ?? '')?.[1])
  if (!user) return problem(response, 401, 'access token: expected one')
  if (path.startsWith('/media/')) return picture(response, path.slice(7))
  if (route === 'POST /auth/logout')
    return answer(response, 204, undefined, { 'Set-Cookie': 'xunshi_refresh=; Path=/api/v1/auth; Max-Age=0' })
  if (route === 'GET /me') return answer(response, 200, session(user).user)
  if (route === 'POST /me/password') {
    if (json.current_password !== user.password)
      return problem(response, 422, 'wrong', [
        { field: 'current_password', message: 'expected the password in use' },
      ])
    Object.assign(user, { password: json.new_password, must: false })
    return answer(response, 204)
  }
  if (route === 'POST /event-tickets') return answer(response, 200, { ticket: 'mock', expires_in: 60 })
  if (route === 'GET /passes') return listPasses(response, query)
  const kept = request.method === 'GET' ? footage(path, query, cameras) : undefined
  if (kept !== undefined) return answer(response, 200, kept)
  if (route === 'GET /counters') return counters(response, query)
  if (route === 'GET /cameras') return answer(response, 200, { items: [...cameras.values()], next: null })
  if (route === 'GET /outages') return answer(response, 200, { items: [], next: null })
  if (request.method === 'GET' && path.endsWith('/hours')) return answer(response, 200, hoursOf())
  if (route === 'POST /cameras/test') return examine(response, json.url)
  if (/^POST \/cameras\/\w+\/doctor$/.test(route)) return examine(response, 'rtsp://camera/265')
  if (route === 'POST /cameras') {
    const camera = makeCamera(json.name, cameras.size, {
      state: 'connecting',
      width: null,
      height: null,
      fps: null,
      codec: null,
    })
    setTimeout(() => {
      Object.assign(camera, {
        state: 'online',
        width: 1920,
        height: 1080,
        fps: 25,
        codec: 'h264',
        state_at: now(),
      })
      tell('camera', { camera })
    }, 2500)
    return answer(response, 201, camera)
  }
  if (route === 'POST /detections') return detections(response, body)
  const [, camera_id, rest] = /^\/cameras\/(\w+)(\/play-ticket)?$/.exec(path) ?? []
  const camera = cameras.get(camera_id)
  if (!camera) return problem(response, 404, 'no such thing')
  if (rest)
    return answer(response, 200, {
      ticket: 'mock',
      expires_in: 60,
      stream_url: `/live/cameras/${camera_id}/stream?ticket=mock`,
      snapshot_url: `/live/cameras/${camera_id}/snapshot.jpg?ticket=mock`,
      mjpeg_url: `/live/cameras/${camera_id}/stream.mjpeg?ticket=mock`,
      flv_url: `/live/cameras/${camera_id}/stream.flv?ticket=mock`,
      hls_url: `/live/cameras/${camera_id}/hls/index.m3u8?ticket=mock`,
    })
  if (request.method === 'DELETE') {
    cameras.delete(camera_id)
    tell('camera', { camera, deleted: true })
    return answer(response, 204)
  }
  const { detect_url, ...change } = json
  Object.assign(camera, change, { url: undefined })
  if (detect_url !== undefined)
    camera.detect_address = detect_url && detect_url.replace(/^(\w+:\/\/)[^@/]*@/, '$1')
  if ('enabled' in json)
    Object.assign(camera, { state: json.enabled ? 'online' : 'disabled', state_at: now() })
  tell('camera', { camera })
  return answer(response, 200, camera)
}

function facesApi(request, response, path, query, body) {
  const found = path.startsWith('/faces/pictures/') ? facePicture(path.slice(16)) : null
  if (found !== null) {
    response.writeHead(200, { 'Content-Type': 'image/jpeg' })
    return response.end(found)
  }
  const [status, answered] = faceSearch(request.method, path, query, body)
  return status >= 400
    ? problem(response, status, 'no such thing')
    : answer(response, status, answered ?? undefined)
}

/** A day of a camera: mostly online, an hour with an outage, a night that nobody wanted. */
function hoursOf() {
  const HOUR = 3_600_000
  const first = Math.floor(Date.now() / HOUR) * HOUR - 23 * HOUR
  const blank = { online_s: 0, degraded_s: 0, stale_s: 0, offline_s: 0, paused_s: 0, unknown_s: 0 }
  const hour = (n) =>
    n < 6
      ? { ...blank, paused_s: 3600 }
      : n === 14
        ? { ...blank, online_s: 1800, degraded_s: 600, offline_s: 1200 }
        : { ...blank, online_s: 3600 }
  const items = Array.from({ length: 24 }, (_, n) => ({
    start: new Date(first + n * HOUR).toISOString(),
    ...hour(n),
    analysed_frames: n < 6 ? 0 : 17_000,
    skipped_frames: n < 6 ? 0 : 40,
    coverage: n < 6 ? null : n === 14 ? 0.66 : 0.99,
  }))
  const sum = (key) => items.reduce((total, item) => total + item[key], 0)
  const keys = [...Object.keys(blank), 'analysed_frames', 'skipped_frames']
  return { items, totals: { ...Object.fromEntries(keys.map((key) => [key, sum(key)])), coverage: 0.97 } }
}

async function detections(response, body) {
  await new Promise((resolve) => setTimeout(resolve, 900))
  if (body.length < 2000)
    return problem(response, 422, 'image: expected a picture', [
      { field: 'image', message: 'expected a picture that can be read' },
    ])
  const some = faces.filter((face) => face.box.x1 - face.box.x0 > 0.03).slice(0, 3)
  answer(response, 200, {
    width: 1280,
    height: 720,
    model: 'mask',
    elapsed_ms: 43,
    boxes: some.map((face) => ({
      label: face.state,
      score: 0.97,
      box: Object.values(face.box),
      face_score: 0.9,
    })),
  })
}

function events(request, response, query) {
  const last = request.headers['last-event-id'] ?? query.get('last_event_id')
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(`retry: 2000\n: welcome\n${last === null ? `id: ${log.length}\n` : ''}\n`)
  if (last !== null && Number(last) > log.length)
    response.write(`id: ${log.length}\nevent: reset\ndata: {"at":"${now()}"}\n\n`)
  else if (last !== null) for (const entry of log.slice(Number(last))) response.write(entry.text)
  listeners.add(response)
  request.on('close', () => listeners.delete(response))
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://mock')
  const still = /^\/live\/cameras\/(\w+)\/snapshot\.jpg$/.exec(url.pathname)
  if (still) return picture(response, `cam-${(cameras.get(still[1])?.clip ?? 0) % Math.max(1, clips.length)}`)
  api(request, response, url.pathname.replace('/api/v1', ''), url.searchParams).catch((error) =>
    problem(response, 500, String(error)),
  )
})

const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket, request) => {
  const camera = cameras.get(/cameras\/(\w+)\/stream/.exec(request.url)?.[1])
  if (!camera) return socket.close(4404)
  if (camera.codec !== 'h264') {
    socket.send(
      JSON.stringify({ type: 'error', reason: 'codec', detail: `browsers do not play ${camera.codec}` }),
    )
    return socket.close(4415)
  }
  const clip = clips[camera.clip % Math.max(1, clips.length)]
  if (!clip) return socket.close(1012)
  socket.send(JSON.stringify({ type: 'format', mime: clip.mime }))
  socket.send(clip.header)
  // As the real service: everything since the last keyframe at once, then picture by picture.
  let next = Math.floor((Date.now() / 1000) * clip.fps) % clip.count
  while (next > 0 && !clip.isKey(next)) next -= 1
  const say = (note) => socket.send(JSON.stringify(note))
  const timer = setInterval(() => {
    socket.send(clip.fragment(next))
    const at = next / clip.fps
    if (next % 25 === 0) say({ type: 'clock', at, age: 0.05, said: Date.now() / 1000 })
    if (next % 5 === 0) {
      const x = 0.45 + 0.3 * Math.sin(at / 2)
      const box = [x, 0.3, x + 0.1, 0.5]
      say({ type: 'faces', at, faces: [{ box, state: 'without_mask', score: 0.9, state_score: 0.97 }] })
    }
    next += 1
  }, 1000 / clip.fps)
  socket.on('close', () => clearInterval(timer))
})

server.listen(PORT, '127.0.0.1', () => process.stdout.write(`mock on http://127.0.0.1:${PORT}\n`))
