// The hand-written types say what the server's own description says. A field that is renamed there fails here.
import { describe, expect, it } from 'vitest'
import { aCamera, aPass } from '@/testing/samples'

interface Schema {
  properties?: Record<string, unknown>
}
interface Description {
  paths: Record<string, Record<string, unknown>>
  components: { schemas: Record<string, Schema> }
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

/** A schema by its last name; inner ones are called `Outer.Inner`. */
function fields(name: string): string[] {
  const schemas = description?.components.schemas ?? {}
  const key = Object.keys(schemas).find((each) => each.split('.').pop() === name)
  return Object.keys(schemas[key ?? '']?.properties ?? {}).sort()
}

describe.skipIf(description === null)('the client and the description of the API', () => {
  it.each([
    ['CameraOut', Object.keys(aCamera())],
    ['PassOut', Object.keys(aPass())],
    ['UserOut', ['user_id', 'username', 'display_name', 'role', 'permissions', 'must_change_password']],
    ['PlayTicketOut', ['ticket', 'expires_in', 'stream_url', 'snapshot_url']],
    ['DetectionsOut', ['width', 'height', 'model', 'elapsed_ms', 'boxes']],
    ['Detection', ['label', 'score', 'box', 'face_score']],
    ['CountersOut', ['buckets', 'totals']],
    [
      'ProbeOut',
      ['ok', 'reason', 'detail', 'codec', 'width', 'height', 'fps', 'playable', 'snapshot', 'elapsed_ms'],
    ],
  ])('%s has the same fields', (name, ours) => expect(ours.sort()).toEqual(fields(name)))

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
