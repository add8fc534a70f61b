import { describe, expect, it } from 'vitest'
import { createEventParser, type StreamMessage } from './eventStream'

function parse(chunks: string[]) {
  const messages: StreamMessage[] = []
  const positions: string[] = []
  const feed = createEventParser({
    onMessage: (each) => messages.push(each),
    onPosition: (id) => positions.push(id),
  })
  for (const chunk of chunks) feed(chunk)
  return { messages, positions }
}

describe('event parser', () => {
  it('reads an event whatever the network cuts', () => {
    const text = 'id: 7\nevent: pass\ndata: {"a":\ndata: 1}\n\n'
    for (let cut = 0; cut <= text.length; cut += 1) {
      const { messages } = parse([text.slice(0, cut), text.slice(cut)])
      expect(messages).toEqual([{ id: '7', event: 'pass', data: '{"a":\n1}' }])
    }
  })

  it('takes CRLF and CR, also when cut in between', () => {
    const { messages } = parse(['data: a\r', '\n\r', '\ndata: b\r\r', 'data: c\n\n'])
    expect(messages.map((each) => each.data)).toEqual(['a', 'b', 'c'])
  })

  it('ignores comments and unknown fields', () => {
    expect(parse([': ping\n\nretry: 2000\n: welcome\n\n']).messages).toEqual([])
  })

  it('notes where to resume, also without an event', () => {
    const { messages, positions } = parse(['retry: 2000\n: welcome\nid: 41\n\n'])
    expect(messages).toEqual([])
    expect(positions).toEqual(['41'])
  })

  it('does not give half an event when the stream ends', () => {
    expect(parse(['id: 1\ndata: a\n\nid: 2\ndata: half']).messages).toHaveLength(1)
  })
})
