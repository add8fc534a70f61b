/** One photo in, boxes out. XMLHttpRequest, because fetch cannot tell how much of an upload is sent. */
import { client } from './client'
import { problemFrom, RequestProblem } from './problem'
import type { Detections } from './types'

export interface DetectOptions {
  /** Share of the picture that has been sent, 0 to 1. */
  onProgress?: (share: number) => void
  signal?: AbortSignal
}

const TIMEOUT_MS = 60_000

function send(image: File, options: DetectOptions): Promise<Detections> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', client.url('/detections'))
    request.timeout = TIMEOUT_MS
    request.setRequestHeader('Accept', 'application/json')
    const token = client.accessToken()
    if (token !== null) request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) options.onProgress?.(event.loaded / event.total)
    }
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        try {
          resolve(JSON.parse(request.responseText) as Detections)
        } catch {
          reject(new RequestProblem({ status: 502, title: 'the answer is not JSON' }))
        }
      } else {
        reject(problemFrom(request.status, request.responseText, request.getResponseHeader('Retry-After')))
      }
    }
    request.onerror = () => reject(new RequestProblem({ status: 0, title: 'no answer' }))
    request.ontimeout = () => reject(new RequestProblem({ status: 504, title: 'no answer in time' }))
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'))
    options.signal?.addEventListener('abort', () => request.abort(), { once: true })
    const form = new FormData()
    form.append('image', image, image.name)
    request.send(form)
  })
}

export async function detect(image: File, options: DetectOptions = {}): Promise<Detections> {
  try {
    return await send(image, options)
  } catch (error) {
    if (!(error instanceof RequestProblem) || error.status !== 401) throw error
    await client.refresh()
    return send(image, options)
  }
}
