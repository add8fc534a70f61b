/** Sentences for what a search can meet besides the usual: no face in the photo, the index away, too many searches. */
import { RequestProblem } from '@/api/problem'
import { describeProblem, type Translate } from '@/describe'

export function describeSearchProblem(error: unknown, t: Translate): string {
  if (!(error instanceof RequestProblem)) return describeProblem(error, t)
  if (error.status === 503) return t('search.indexAway')
  if (error.status === 422 && error.fieldMessage('photo') !== undefined) return t('search.noFace')
  return describeProblem(error, t)
}
