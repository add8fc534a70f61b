/** Something done at a press: busy meanwhile, and what was refused said in words; nothing is thrown. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { isAbort } from '@/api/problem'
import { describeProblem, type Translate } from '@/describe'

export interface AttemptOptions {
  /** Other words than the usual for what was refused. */
  describe?: (error: unknown, t: Translate) => string
  /** Says it at once; default: it stands in `fault`, beside the button. */
  say?: (words: string) => void
}

export interface Attempts {
  /** What is being done, as `attempt` names it; null: nothing. */
  doing: Readonly<ShallowRef<string | null>>
  busy: ComputedRef<boolean>
  /** What was refused the last time; empty: nothing. */
  fault: ShallowRef<string>
  /** True when it was done. A form is not sent twice at once. */
  attempt: (work: () => Promise<unknown>, what?: string) => Promise<boolean>
}

export function useAttempt(options: AttemptOptions = {}): Attempts {
  const { describe = describeProblem, say } = options
  const { t } = useI18n()
  const doing = shallowRef<string | null>(null)
  const fault = shallowRef('')

  async function attempt(work: () => Promise<unknown>, what = ''): Promise<boolean> {
    if (say === undefined && doing.value === what) return false
    doing.value = what
    fault.value = ''
    try {
      await work()
      return true
    } catch (error) {
      if (isAbort(error)) return false
      fault.value = describe(error, t)
      say?.(fault.value)
      return false
    } finally {
      if (doing.value === what) doing.value = null
    }
  }

  return { doing, busy: computed(() => doing.value !== null), fault, attempt }
}
