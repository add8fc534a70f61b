/**
 * Server-sent events over fetch. The browser's own EventSource hides comment lines, so it cannot tell a quiet server
 * (": ping" every 15 s) from a dead one, and it hides the HTTP status. This reader shows both.
 */
import { client } from './client'
import { problemFrom } from './problem'
import type { EventTicket } from './types'

export interface StreamMessage {
  id: string | null
  event: string
  data: string
}

export interface EventStreamHandlers {
  onOpen: () => void
  /** Something arrived, if only a ping. */
  onActivity: () => void
  onMessage: (message: StreamMessage) => void
  /** Resume here: also said without an event, when the stream begins. */
  onPosition: (id: string) => void
}

/** Opens the stream and resolves when the server ends it; throws when it cannot be opened or breaks. */
export type OpenEventStream = (
  lastEventId: string | null,
  handlers: EventStreamHandlers,
  signal: AbortSignal,
) => Promise<void>

/** Splits a text stream into messages as the HTML standard says; feed it chunks in order. */
export function createEventParser({
  onMessage,
  onPosition,
}: Pick<EventStreamHandlers, 'onMessage' | 'onPosition'>) {
  let rest = ''
  let id: string | null = null
  let event = ''
  let data: string[] = []

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onMessage({ id, event: event === '' ? 'message' : event, data: data.join('\n') })
      // After the event, so that one that was not handled is asked for again.
      if (id !== null) onPosition(id)
      event = ''
      data = []
      return
    }
    if (text.startsWith(':')) return
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    const value = colon === -1 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  return (chunk: string) => {
    // A CR at the very end may be the first half of CRLF: it waits for the next chunk.
    const text = rest + chunk
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const each of lines) line(each)
  }
}

export const openEventStream: OpenEventStream = async (lastEventId, handlers, signal) => {
  const { ticket } = await client.call<EventTicket>('/event-tickets', { method: 'POST', json: {}, signal })
  const response = await fetch(client.url('/events', { ticket, last_event_id: lastEventId }), {
    headers: { Accept: 'text/event-stream' },
    cache: 'no-store',
    signal,
  })
  if (!response.ok || response.body === null) {
    throw problemFrom(response.status, await response.text(), response.headers.get('Retry-After'))
  }
  handlers.onOpen()
  const parse = createEventParser(handlers)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    handlers.onActivity()
    parse(value)
  }
}
