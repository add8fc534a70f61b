// The compiler holds the fields of the APIs to their descriptions (`generated/`); this holds the paths.
import { describe, expect, it } from 'vitest'

interface Description {
  paths: Record<string, Record<string, unknown>>
}

const found = import.meta.glob<string>('../../../docs/reference/{miniprogram-api,face-search}.openapi.json', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const descriptions = Object.values(found).map((text) => JSON.parse(text) as Description)
const sources = import.meta.glob<string>(
  [
    './{auth,cameras,passes,detections,eventStream,client}.ts',
    './{people,faceSearch,faceData,trajectories}.ts',
  ],
  { query: '?raw', import: 'default', eager: true },
)

/** Each call with its path, holes as stars; a constant or function at its beginning is filled in. */
function pathsOf(code: string): string[] {
  const short = new Map<string, string>()
  for (const [, name, path] of code.matchAll(/const (\w+) = \([^)]*\) =>\s*`([^`]*)`/g))
    if (name !== undefined && path !== undefined) short.set(name, path)
  const calls = code.matchAll(
    /(?:call|upload|raw)?(?:<[^()]*>+)?\(\s*['`](\/[^'`]*|\$\{\w+\(\w+\)\}[^'`]*)['`]/g,
  )
  return [...calls].map(([, path = '']) =>
    path
      .replace(/^\$\{(\w+)\(\w+\)\}/, (whole, name: string) => short.get(name) ?? whole)
      .replace(/\$\{[^{}]*\}/g, '*'),
  )
}

describe.skipIf(descriptions.length < 2)('the client and the descriptions of the APIs', () => {
  const known = descriptions.flatMap(({ paths }) =>
    Object.keys(paths).map((path) => path.replace('/api/v1', '').replace(/\{\w+\}/g, '*')),
  )

  it('knows every path that the client calls', () => {
    for (const [file, code] of Object.entries(sources))
      for (const path of pathsOf(code)) expect(known, `${path} in ${file}`).toContain(path)
  })

  it('finds the calls of each file', () => {
    for (const [file, code] of Object.entries(sources))
      if (!/client\.ts$/.test(file)) expect(pathsOf(code).length, file).toBeGreaterThan(0)
  })
})
