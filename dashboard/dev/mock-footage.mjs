// Footage and storage of the stand-in: a day with gaps and figures to look at, but no video.
const HOUR_MS = 3_600_000

function timeline(query) {
  const from = Date.parse(query.get('from'))
  const to = Math.min(Date.parse(query.get('to')), Date.now())
  const span = (start, hours) => ({
    start: new Date(start).toISOString(),
    end: new Date(Math.min(start + hours * HOUR_MS, to)).toISOString(),
  })
  const recorded = [0, 7.2, 13.5].map((hour) => span(from + hour * HOUR_MS, 5.5))
  return { recorded: recorded.filter((one) => one.start < one.end), clips: [] }
}

function storage(cameras) {
  const held = [...cameras.values()].flatMap((camera, index) =>
    ['recording', 'clip', 'evidence'].map((kind, place) => ({
      source_id: camera.camera_id,
      name: camera.name,
      kind,
      files: 40 * (index + 1),
      bytes: 9e9 / (index + 1) / 10 ** place,
      oldest_at: camera.created_at,
      newest_at: new Date().toISOString(),
    })),
  )
  return {
    disk: { total_bytes: 5e11, free_bytes: 1.4e11, reserve_bytes: 2.5e10, low: false },
    limits: [
      { kind: 'evidence', days: 30, bytes_a_camera: null },
      { kind: 'clip', days: 30, bytes_a_camera: 2e10 },
      { kind: 'recording', days: 7, bytes_a_camera: 1e11 },
    ],
    held,
    emergencies: [],
  }
}

/** The answer for a path of footage or storage, else undefined. */
export function footage(path, query, cameras) {
  if (path === '/footage') return { items: [], next: null }
  if (path === '/storage') return storage(cameras)
  return /^\/cameras\/\w+\/timeline$/.test(path) ? timeline(query) : undefined
}
