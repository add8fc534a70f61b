/** Fetches a live HLS stream with MP4 pieces, piece by piece. Only what our own server writes is understood. */
import type { SeenFace } from './faceTimeline'
import type { Ending, PictureKind } from './outcome'

export interface HlsPiecesOptions {
  /** Of the first playlist, with ticket. */
  address: string
  fetchData: typeof fetch
  onBegin: (mime: string, kind: PictureKind) => void
  onPiece: (data: ArrayBuffer) => void
  /** Whether boxes are shown: only then they are asked for. */
  wantsFaces: () => boolean
  /** What was found in the picture of that moment of the stream. */
  onFaces: (at: number, faces: SeenFace[]) => void
  onEnd: (ending: Ending) => void
}

/** What a media playlist says. */
export interface Playlist {
  begin: string | null
  pieces: { number: number; address: string }[]
}

/** Look for new pieces this often, ms. */
const LOOK_EVERY_MS = 700

class Refused extends Error {
  constructor(readonly status: number) {
    super(`HLS: expected 200, got ${status}`)
  }
}

export function readPlaylist(text: string): Playlist {
  const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0)
  const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return {
    begin: /#EXT-X-MAP:URI="([^"]+)"/.exec(text)?.[1] ?? null,
    pieces: names.map((address, index) => ({ number: first + index, address })),
  }
}

/** What the first playlist says of the picture. */
export function readKind(text: string): PictureKind {
  const says = (name: string) => text.includes(`DATA-ID="xunshi.${name}"`)
  return { converted: says('converted'), masked: says('masked'), unmasked: says('unmasked') }
}

export function readRefusal(status: number): Ending {
  if (status === 403) return { outcome: 'stop', reason: 'denied' }
  if (status === 409) return { outcome: 'snapshots', reason: 'codec' }
  if (status === 429) return { outcome: 'later', reason: 'busy' }
  if (status === 503) return { outcome: 'retry', reason: 'camera' }
  return { outcome: 'retry', reason: 'network' }
}

export function openHls(options: HlsPiecesOptions): { close: () => void } {
  const stop = new AbortController()
  const get = async (address: string): Promise<Response> => {
    const answer = await options.fetchData(address, { signal: stop.signal, cache: 'no-store' })
    if (!answer.ok) throw new Refused(answer.status)
    return answer
  }

  let facesAt = -1

  /** The video goes on without boxes when they cannot be had. */
  async function askFaces(list: string): Promise<void> {
    const address = new URL('faces.json', list)
    address.searchParams.set('after', String(facesAt))
    try {
      const notes = (await (await get(address.href)).json()) as { at: number; faces: SeenFace[] }[]
      for (const note of notes) {
        options.onFaces(note.at, note.faces)
        facesAt = Math.max(facesAt, note.at)
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
  }

  async function play(): Promise<void> {
    const index = await (await get(options.address)).text()
    const codecs = /CODECS="([^"]+)"/.exec(index)?.[1]
    const name = index.split('\n').find((line) => line !== '' && !line.startsWith('#'))
    if (codecs === undefined || name === undefined) throw new Refused(0)
    const list = new URL(name, new URL(options.address, location.href)).href
    let newest = -1
    for (;;) {
      const found = readPlaylist(await (await get(list)).text())
      if (newest === -1 && found.begin !== null) {
        options.onBegin(`video/mp4; codecs="${codecs}"`, readKind(index))
        options.onPiece(await (await get(new URL(found.begin, list).href)).arrayBuffer())
      }
      // A newcomer begins with the last two: enough to play on, not more late than needed.
      const wanted =
        newest === -1 ? found.pieces.slice(-2) : found.pieces.filter((one) => one.number > newest)
      for (const one of wanted) {
        options.onPiece(await (await get(new URL(one.address, list).href)).arrayBuffer())
        newest = one.number
      }
      if (options.wantsFaces()) await askFaces(list)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  play().catch((error: unknown) => {
    if (!stop.signal.aborted) options.onEnd(readRefusal(error instanceof Refused ? error.status : 0))
  })
  return { close: () => stop.abort() }
}
