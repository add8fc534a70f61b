/** Keys of requests that must not happen twice. */
import { RequestProblem } from './api/problem'

/** `crypto.randomUUID` exists only on secure origins; a wall in a plant may run on plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

export interface OnceKey {
  /** Another thing is wanted: it is a new request. */
  renew: () => void
  /** Sends with the key; after a refusal with a new one, for the same key with another body would be refused again. */
  send: <T>(work: (key: string) => Promise<T>) => Promise<T>
}

export function onceKey(): OnceKey {
  let key = newKey()
  const renew = () => void (key = newKey())
  async function send<T>(work: (key: string) => Promise<T>): Promise<T> {
    try {
      return await work(key)
    } catch (error) {
      if (error instanceof RequestProblem && error.status >= 400 && error.status < 500) renew()
      throw error
    }
  }
  return { renew, send }
}
