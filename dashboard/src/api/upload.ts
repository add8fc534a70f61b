/** Sends a form and tells how much of it is sent. XMLHttpRequest, because fetch cannot. */
import { client } from './client'
import { problemFrom, RequestProblem } from './problem'

export interface UploadOptions {
  /** Share of the form that has been sent, 0 to 1. */
  onProgress?: (share: number) => void
  signal?: AbortSignal
  idempotencyKey?: string
  /** An upload without an answer is given up after this time, ms. Default 60000. */
  timeoutMs?: number
}

function send<T>(path: string, form: FormData, options: UploadOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', client.url(path))
    request.timeout = options.timeoutMs ?? 60_000
    request.setRequestHeader('Accept', 'application/json')
    const token = client.accessToken()
    if (token !== null) request.setRequestHeader('Authorization', `Bearer ${token}`)
    if (options.idempotencyKey) request.setRequestHeader('Idempotency-Key', options.idempotencyKey)
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) options.onProgress?.(event.loaded / event.total)
    }
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        try {
          resolve(JSON.parse(request.responseText) as T)
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
    request.send(form)
  })
}

/** Send, and after a 401 renew the token and send once more. */
export async function upload<T>(path: string, form: FormData, options: UploadOptions = {}): Promise<T> {
  options.signal?.throwIfAborted()
  try {
    return await send<T>(path, form, options)
  } catch (error) {
    if (!(error instanceof RequestProblem) || error.status !== 401) throw error
    await client.refresh()
    return send<T>(path, form, options)
  }
}
