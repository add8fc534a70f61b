// The compiler holds the fields of the API to its description (`generated/api.ts`); this holds the paths.
import { describe, expect, it } from 'vitest'

interface Description {
  paths: Record<string, Record<string, unknown>>
}

const found = import.meta.glob<string>('../../../docs/reference/miniprogram-api.openapi.json', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const description = JSON.parse(Object.values(found)[0] ?? 'null') as Description | null
const sources = import.meta.glob<string>('./{auth,cameras,passes,detections,eventStream,client}.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe.skipIf(description === null)('the client and the description of the API', () => {
  it('knows every path that the client calls', () => {
    const known = Object.keys(description?.paths ?? {}).map((path) =>
      path.replace('/api/v1', '').replace(/\{\w+\}/g, '*'),
    )
    for (const code of Object.values(sources)) {
      for (const [, path] of code.matchAll(/(?:call(?:<[^>]*>+)?|url)\(\s*['`](\/[^'`]*)['`]/g)) {
        expect(known).toContain(path?.replace(/\$\{.*?\}+/g, '*'))
      }
    }
  })
})
