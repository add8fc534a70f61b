/** What a search of many photos found, in a word for each and as a table. */
import type { BatchItem } from '@/api/faceTypes'
import { csvOf } from '@/csv'
import type { Translate } from '@/describe'

/** Each has a text (`batch.outcome.*`). */
export const OUTCOMES = ['match', 'near_tie', 'unknown', 'no_face', 'unreadable'] as const
export type BatchOutcome = (typeof OUTCOMES)[number]

export function outcomeOf({ verdict, error }: Pick<BatchItem, 'verdict' | 'error'>): BatchOutcome {
  return verdict ?? (error === 'no_face' ? 'no_face' : 'unreadable')
}

/** Who it is, or who it may be: a face that reaches no threshold has nobody. */
export function likelyOf(found: BatchItem): BatchItem['hits'] {
  if (found.verdict === 'match') return found.hits.filter((hit) => hit.accepted).slice(0, 1)
  return found.verdict === 'near_tie' ? found.hits.filter((hit) => hit.near_tie) : []
}

export interface BatchLine {
  file: string
  found: BatchItem
}

export function batchCsv(lines: readonly BatchLine[], t: Translate): string {
  const head = ['number', 'file', 'outcome', 'person', 'ref', 'score', 'other', 'otherScore', 'id', 'code']
  const rows = lines.map(({ file, found }, index) => {
    const [best, other] = likelyOf(found)
    return [
      index + 1,
      file,
      t(`batch.outcome.${outcomeOf(found)}`),
      best?.person?.name ?? '',
      best?.person?.external_ref ?? '',
      best?.score ?? null,
      other?.person?.name ?? '',
      other?.score ?? null,
      best?.person?.person_id ?? '',
      found.error ?? '',
    ]
  })
  return csvOf([head.map((column) => t(`batch.column.${column}`)), ...rows])
}
