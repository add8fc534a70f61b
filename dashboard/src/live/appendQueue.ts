/**
 * Feeds a SourceBuffer, which takes one operation at a time: fragments wait here while it works, several waiting ones go
 * in together, and old pictures are removed between them.
 */

/** The part of SourceBuffer that is used; tests give a small stand-in. */
export interface FragmentSink extends EventTarget {
  readonly updating: boolean
  appendBuffer(data: BufferSource): void
  remove(start: number, end: number): void
}

export interface AppendQueueOptions {
  /** More waiting bytes than this means that the page cannot keep up. Default 8 MiB. */
  maxBytes?: number
  onOverflow: () => void
  onError: (error: unknown) => void
}

export interface AppendQueue {
  push: (fragment: ArrayBuffer) => void
  /** Remove what lies before this position as soon as the buffer is free. */
  trim: (before: number) => void
  close: () => void
  readonly waitingBytes: number
}

function joined(parts: ArrayBuffer[], bytes: number): ArrayBuffer {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0]
  const all = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    all.set(new Uint8Array(part), at)
    at += part.byteLength
  }
  return all.buffer
}

export function createAppendQueue(sink: FragmentSink, options: AppendQueueOptions): AppendQueue {
  const maxBytes = options.maxBytes ?? 8 * 1024 * 1024
  let waiting: ArrayBuffer[] = []
  let waitingBytes = 0
  let trimTo: number | null = null
  let closed = false

  function pump(): void {
    if (closed || sink.updating) return
    try {
      if (trimTo !== null) {
        const end = trimTo
        trimTo = null
        sink.remove(0, end)
        return
      }
      if (waiting.length === 0) return
      const data = joined(waiting, waitingBytes)
      waiting = []
      waitingBytes = 0
      sink.appendBuffer(data)
    } catch (error) {
      options.onError(error)
    }
  }

  const onUpdateEnd = () => pump()
  sink.addEventListener('updateend', onUpdateEnd)

  return {
    push(fragment) {
      if (closed) return
      waiting.push(fragment)
      waitingBytes += fragment.byteLength
      if (waitingBytes > maxBytes) {
        options.onOverflow()
        return
      }
      pump()
    },
    trim(before) {
      trimTo = before
      pump()
    },
    close() {
      closed = true
      waiting = []
      waitingBytes = 0
      sink.removeEventListener('updateend', onUpdateEnd)
    },
    get waitingBytes() {
      return waitingBytes
    },
  }
}
