/** Things as the server sends them. */
import type { Camera, Pass } from '@/api/types'

export const aPass = (change: Partial<Pass> = {}): Pass => ({
  pass_id: 'p1',
  camera_id: 'c1',
  camera_name: 'Gate',
  state: 'without_mask',
  protected: false,
  confidence: 0.93,
  opened_at: '2026-03-01T08:00:00.000Z',
  last_seen_at: '2026-03-01T08:00:02.000Z',
  closed_at: null,
  frames: 9,
  box: { x0: 0.1, y0: 0.1, x1: 0.2, y1: 0.3 },
  face_url: '/api/v1/media/f1?ticket=t',
  scene_url: '/api/v1/media/s1?ticket=t',
  ...change,
})

export const aCamera = (change: Partial<Camera> = {}): Camera => ({
  camera_id: 'c1',
  name: 'Gate',
  lon: null,
  lat: null,
  model: 'mask',
  enabled: true,
  is_demo: false,
  state: 'live',
  state_reason: null,
  state_detail: null,
  state_at: '2026-03-01T08:00:00.000Z',
  width: 1920,
  height: 1080,
  fps: 25,
  codec: 'h264',
  last_frame_at: null,
  skipped_frames: 0,
  address: null,
  created_at: '2026-03-01T08:00:00.000Z',
  ...change,
})
