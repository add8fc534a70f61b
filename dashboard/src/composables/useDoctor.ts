/** Examines a camera: stages as they begin and end, running time, then the report. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { OnFinding } from '@/api/doctor'
import { isAbort } from '@/api/problem'
import type { Examination, StageFinding } from '@/api/types'

export type Examine = (onFinding: OnFinding, signal: AbortSignal) => Promise<Examination>

export interface Doctoring {
  running: Readonly<ShallowRef<boolean>>
  elapsedS: Readonly<ShallowRef<number>>
  /** Stages so far, in order; the last one may be running. */
  findings: Readonly<ShallowRef<readonly StageFinding[]>>
  /** What was found about `subject`; null before the first and after a failure of the call itself. */
  report: Readonly<ShallowRef<Examination | null>>
  /** What is examined, an address for example. */
  subject: Readonly<ShallowRef<string | null>>
  /** The call itself failed (not the camera). */
  error: Readonly<ShallowRef<unknown>>
  run: (subject: string, examine: Examine) => Promise<void>
  cancel: () => void
  /** Cancel and forget what was found. */
  reset: () => void
}

export function useDoctor(): Doctoring {
  const running = shallowRef(false)
  const elapsedS = shallowRef(0)
  const findings = shallowRef<readonly StageFinding[]>([])
  const report = shallowRef<Examination | null>(null)
  const subject = shallowRef<string | null>(null)
  const error = shallowRef<unknown>(null)
  let attempt: AbortController | null = null
  let timer: ReturnType<typeof setInterval> | undefined

  function cancel(): void {
    attempt?.abort()
    attempt = null
    clearInterval(timer)
    running.value = false
    findings.value = findings.value.filter((finding) => finding.status !== 'running')
  }

  async function run(about: string, examine: Examine): Promise<void> {
    reset()
    const mine = new AbortController()
    attempt = mine
    subject.value = about
    running.value = true
    elapsedS.value = 0
    const startedAt = Date.now()
    timer = setInterval(() => {
      elapsedS.value = Math.floor((Date.now() - startedAt) / 1000)
    }, 250)
    try {
      const answer = await examine((finding) => {
        if (!mine.signal.aborted) findings.value = withFinding(findings.value, finding)
      }, mine.signal)
      if (mine.signal.aborted) return
      report.value = answer
      findings.value = answer.findings
    } catch (problem) {
      if (mine.signal.aborted || isAbort(problem)) return
      error.value = problem
    }
    cancel()
  }

  function reset(): void {
    cancel()
    findings.value = []
    report.value = null
    error.value = null
    subject.value = null
  }

  onScopeDispose(cancel)

  return { running, elapsedS, findings, report, subject, error, run, cancel, reset }
}

/** A stage that ends takes the place of the one that runs. */
function withFinding(known: readonly StageFinding[], finding: StageFinding): StageFinding[] {
  return [...known.filter((one) => one.status !== 'running' && one.stage !== finding.stage), finding]
}
