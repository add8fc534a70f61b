/** Keeps the presence of the page current: after each pass that opens or closes, on a reconnect, and now and then. */
import { onScopeDispose } from 'vue'
import { usePresence } from '@/stores/presence'
import { useLiveSubscription } from './liveEventsKey'

export interface PresenceUpdatesOptions {
  /** Ask again at most this often when passes come, ms. Default 400. */
  throttleMs?: number
  /** Ask again when nothing comes, ms: a camera that went away ends what it saw. Default 15000. */
  everyMs?: number
}

export function usePresenceUpdates(options: PresenceUpdatesOptions = {}): void {
  const { throttleMs = 400, everyMs = 15_000 } = options
  const presence = usePresence()
  let pending: ReturnType<typeof setTimeout> | undefined

  function soon(): void {
    pending ??= setTimeout(() => {
      pending = undefined
      void presence.load()
    }, throttleMs)
  }

  useLiveSubscription({ onPass: soon, onCamera: soon, onReady: soon })
  const timer = setInterval(() => void presence.load(), everyMs)
  onScopeDispose(() => {
    clearInterval(timer)
    clearTimeout(pending)
  })
  void presence.load()
}
