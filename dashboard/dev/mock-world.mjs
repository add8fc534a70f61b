// What the development mock pretends: users, cameras and passes, in memory.
import { existsSync, readFileSync } from 'node:fs'
import { readClip } from './fmp4.mjs'

const EMPTY = process.env.MOCK_EMPTY === '1'
const MEDIA = new URL('./media/', import.meta.url)
export const file = (name) => new URL(name, MEDIA)
export const clips = []
for (let n = 0; existsSync(file(`cam-${n}.mp4`)); n += 1) clips.push(readClip(file(`cam-${n}.mp4`)))
export const faces = existsSync(file('passes.json'))
  ? JSON.parse(readFileSync(file('passes.json'), 'utf8'))
  : []

const PERMISSIONS = {
  administrator: [
    ...['camera.create', 'camera.update', 'camera.delete', 'camera.approve', 'camera.read'],
    ...['user.read', 'user.create', 'user.update', 'storage.read', 'pass.read', 'photo.detect'],
    ...['face.view', 'face.search', 'face.manage', 'face.erase', 'face.audit'],
  ],
  officer: ['camera.read', 'pass.read', 'photo.detect', 'face.view', 'face.search'],
  guard: ['pass.read', 'photo.detect'],
}
export const rightsOf = (role) => ({
  role,
  permissions: PERMISSIONS[role],
  role_name: role,
  rank: role === 'administrator' ? 100 : 10,
  patrol_radius_m: 500,
  org_id: '00000000000000000000000001',
})
export const users = new Map(
  [
    ['admin', 'administrator', '系统管理员'],
    ['officer', 'officer', '陈安'],
    ['guard', 'guard', '王卫'],
    ['first', 'administrator', '新管理员'],
  ].map(([username, role, display_name]) => [
    username,
    { password: `${username}-${username}`, must: username === 'first', role, display_name, username },
  ]),
)
export const failures = new Map()
export const now = () => new Date().toISOString()
let counter = 0
export const id = () => `01J${(++counter).toString(32).toUpperCase().padStart(23, '0')}`

const NAMES = [
  '一号门入口',
  '装配车间 A 区',
  '原料库房',
  '食堂通道',
  '东侧停车场',
  '实验楼大厅',
  '二号门出口',
]
export const cameras = new Map()
export function makeCamera(name, index, change = {}) {
  const camera = {
    camera_id: id(),
    name,
    lon: 116.39 + index / 1000,
    lat: 39.9,
    model: 'mask',
    enabled: true,
    is_demo: false,
    state: 'online',
    state_reason: null,
    state_detail: null,
    state_at: new Date(Date.now() - 3_600_000 * (index + 1)).toISOString(),
    width: [1920, 2560, 1920, 1280][index % 4],
    height: [1080, 1440, 1080, 720][index % 4],
    fps: 25,
    codec: 'h264',
    last_frame_at: now(),
    skipped_frames: index * 137,
    decoded_per_s: 1.8 + index,
    analysed_per_s: 0.3 + index / 2,
    cpu_share: 0.012 * (index + 1),
    detect_address: null,
    decode: null,
    analysed_fps: null,
    zones: [],
    privacy_masks: [],
    plan: null,
    footage: 'clips',
    address: `192.168.1.${60 + index}:554/Streaming/Channels/101`,
    created_at: now(),
    ...change,
  }
  camera.clip = index
  cameras.set(camera.camera_id, camera)
  return camera
}
if (!EMPTY) {
  NAMES.slice(0, Number(process.env.MOCK_CAMERAS ?? 6)).forEach((name, index) =>
    makeCamera(
      name,
      index,
      index === 3
        ? {
            state: 'offline',
            state_reason: 'unauthorised',
            state_detail: '401 Unauthorized',
            state_at: new Date(Date.now() - 720_000).toISOString(),
          }
        : index === 4
          ? { codec: 'hevc' }
          : {},
    ),
  )
}

export const passes = []
export function makePass(at, open) {
  const face = faces[passes.length % Math.max(1, faces.length)] ?? {
    name: 'none',
    state: ['with_mask', 'without_mask', 'mask_worn_incorrectly'][passes.length % 3],
    box: { x0: 0.4, y0: 0.3, x1: 0.52, y1: 0.55 },
  }
  const live = [...cameras.values()].filter((each) => each.state === 'online')
  const camera = live[passes.length % live.length]
  const pass = {
    pass_id: crypto.randomUUID(),
    camera_id: camera.camera_id,
    camera_name: camera.name,
    state: face.state,
    protected: face.state === 'with_mask',
    confidence: 0.86 + ((passes.length * 37) % 14) / 100,
    opened_at: new Date(at).toISOString(),
    last_seen_at: new Date(at + 4000).toISOString(),
    closed_at: open ? null : new Date(at + 3000 + ((passes.length * 7919) % 20_000)).toISOString(),
    frames: 9 + (passes.length % 30),
    box: face.box,
    face_url: `/api/v1/media/${face.name}-face?ticket=mock`,
    scene_url: `/api/v1/media/${face.name}-scene?ticket=mock`,
  }
  passes.unshift(pass)
  return pass
}
if (!EMPTY) for (let n = 160; n > 0; n -= 1) makePass(Date.now() - n * 11 * 60_000 - 40_000, false)
