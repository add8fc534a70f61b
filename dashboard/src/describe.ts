/** Sentences for people: what failed, why a camera is silent. Codes that this version does not know get a general text. */
import { RequestProblem } from './api/problem'
import zh from './locales/zh-CN'

export type Translate = (key: string, values?: Record<string, unknown>) => string

/** The sentence for a failed call. */
export function describeProblem(error: unknown, t: Translate): string {
  if (!(error instanceof RequestProblem)) return t('error.unknown')
  const { status } = error
  if (status === 0) return t('error.unreachable')
  if (status === 429) return t('error.tooMany', { seconds: error.retryAfterS ?? 60 })
  if (status === 403) return t('error.denied')
  if (status === 404) return t('error.missing')
  if (status === 409) return t('error.conflict')
  if (status === 413) return t('error.tooLarge')
  if (status === 400 || status === 415 || status === 422) return t('error.invalid')
  if (status === 503 || status === 502) return t('error.unavailable')
  if (status === 504) return t('error.timeout')
  return status >= 500 ? t('error.server') : t('error.unknown')
}

const known = (code: string | null | undefined): string =>
  code !== null && code !== undefined && code in zh.camera.reason ? code : 'unknown'

/** Why a camera gives no picture. */
export const describeReason = (code: string | null | undefined, t: Translate): string =>
  t(`camera.reason.${known(code)}`)

/** What a person can do about it. */
export const adviseReason = (code: string | null | undefined, t: Translate): string =>
  t(`camera.advice.${known(code)}`, { at: '@' })
