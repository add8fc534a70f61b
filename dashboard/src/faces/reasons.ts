/** Why a picture was not taken, in words, with what can be done about it. Codes of later versions are shown as they are. */
import type { Translate } from '@/describe'
import words from '@/locales/faces/zh-CN'

export interface Reason {
  words: string
  /** Empty where nothing is to be done. */
  hint: string
}

/** The column that a detail is about, and what was found there: `lists: expected …, got Staff`. */
function particulars(detail: string | null, t: Translate): Record<string, string> {
  const column = /^(\w+):/.exec(detail ?? '')?.[1] ?? ''
  return {
    column: column in words.imports.column ? t(`imports.column.${column}`) : column,
    got: /, got (.*)$/.exec(detail ?? '')?.[1] ?? '',
  }
}

/** `detail`: what the server says itself, for codes that this version does not know. */
export function reasonOf(code: string, detail: string | null, t: Translate): Reason {
  if (code in words.faces.reason)
    return { words: t(`faces.reason.${code}`), hint: code in words.faces.hint ? t(`faces.hint.${code}`) : '' }
  if (code in words.imports.reason)
    return { words: t(`imports.reason.${code}`, particulars(detail, t)), hint: t(`imports.hint.${code}`) }
  return { words: detail ?? code, hint: '' }
}
