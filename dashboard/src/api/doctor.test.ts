import { describe, expect, it } from 'vitest'
import { lines } from './doctor'

function body(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece))
      controller.close()
    },
  })
}

async function all(stream: ReadableStream<Uint8Array>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const line of lines(stream)) found.push(line)
  return found
}

describe('lines', () => {
  it('come whole, however the network cuts them', async () => {
    const cut = body(
      '{"finding":{"sta',
      'ge":"connect"}}\n{"finding":',
      '{"stage":"login"}}\n\n',
      '{"report":{"ok":true}}',
    )
    expect(await all(cut)).toEqual([
      { finding: { stage: 'connect' } },
      { finding: { stage: 'login' } },
      { report: { ok: true } },
    ])
  })

  it('may cut a Chinese character in two', async () => {
    const bytes = new TextEncoder().encode('{"finding":{"stage":"连接"}}\n')
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 22))
        controller.enqueue(bytes.slice(22))
        controller.close()
      },
    })
    expect(await all(stream)).toEqual([{ finding: { stage: '连接' } }])
  })

  it('that are none are an error', async () => {
    await expect(all(body('<html>\n'))).rejects.toThrow()
  })
})
