/**
 * One page of this browser at a time. A refresh token is spent by its use, and spending it twice ends the session: two
 * tabs must not send the same one, nor a page that was reloaded while its predecessor's request was still on its way.
 */

export interface ExclusiveOptions {
  /** A mark older than this was left by a page that is gone, ms. Default 2500. */
  staleMs?: number
  /** Injected in tests. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  locks?: Pick<LockManager, 'request'> | null
}

const NAME = 'xunshi.refreshing'
const POLL_MS = 40

export function createExclusive(options: ExclusiveOptions = {}) {
  const { staleMs = 2500, storage = globalThis.localStorage } = options
  // Web Locks exist on secure origins only; the mark alone nearly does.
  const locks =
    options.locks === undefined ? ((navigator as Partial<Navigator>).locks ?? null) : options.locks

  function marked(): boolean {
    const at = Number(storage.getItem(NAME) ?? 0)
    const age = Date.now() - at
    return age >= 0 && age < staleMs
  }

  async function marking<T>(task: () => Promise<T>): Promise<T> {
    while (marked()) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    storage.setItem(NAME, String(Date.now()))
    try {
      return await task()
    } finally {
      storage.removeItem(NAME)
    }
  }

  return async function exclusive<T>(task: () => Promise<T>): Promise<T> {
    try {
      storage.getItem(NAME)
    } catch {
      return task() // storage is switched off
    }
    return locks === null ? marking(task) : await locks.request(NAME, () => marking(task))
  }
}
