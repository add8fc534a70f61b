/** The stream doctor: examines an address or a saved camera, and tells each stage when it begins and ends. */
import { client } from './client'
import { isAbort, RequestProblem } from './problem'
import type { Examination, StageFinding } from './types'

/** The server gives up on a camera by itself; this only guards against a server that never answers. */
const TIMEOUT_MS = 45_000
const LINES_TYPE = 'application/x-ndjson'

export type OnFinding = (finding: StageFinding) => void

interface Line {
  finding?: StageFinding
  report?: Examination
}

export const examineAddress = (url: string, onFinding: OnFinding, signal?: AbortSignal) =>
  examine('/cameras/test', { url }, onFinding, signal)

export const examineCamera = (
  camera_id: string,
  stream: 'main' | 'detect',
  onFinding: OnFinding,
  signal?: AbortSignal,
) => examine(`/cameras/${encodeURIComponent(camera_id)}/doctor`, { stream }, onFinding, signal)

async function examine(
  path: string,
  json: unknown,
  onFinding: OnFinding,
  signal?: AbortSignal,
): Promise<Examination> {
  const response = await client.raw(path, {
    method: 'POST',
    json,
    accept: LINES_TYPE,
    timeoutMs: TIMEOUT_MS,
    signal,
  })
  if (!response.headers.get('Content-Type')?.startsWith(LINES_TYPE) || response.body === null)
    return (await response.json()) as Examination
  try {
    for await (const line of lines(response.body)) {
      if (line.report) return line.report
      if (line.finding) onFinding(line.finding)
    }
  } catch (error) {
    if (isAbort(error) || signal?.aborted) throw error
  }
  // broken off on the way, or by stream-service
  throw new RequestProblem({ status: 503, title: 'the examination broke off' })
}

/** The JSON lines of a body, as they come. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let waiting = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      waiting += decoder.decode(value, { stream: !done })
      const texts = waiting.split('\n')
      waiting = done ? '' : (texts.pop() ?? '')
      for (const text of texts) if (text.trim() !== '') yield JSON.parse(text) as Line
      if (done) return
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}
