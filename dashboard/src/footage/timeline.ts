/** The arithmetic of a timeline: a window of time on a strip, its ticks, and what lies where. Times are ms. */

export interface Span {
  start: number
  end: number
}

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
/** Widths of the window that one can choose, widest first. */
export const ZOOMS_MS: readonly number[] = [24 * HOUR_MS, 6 * HOUR_MS, HOUR_MS, 10 * MINUTE_MS]
const STEPS_MS: readonly number[] = [
  10_000,
  30_000,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
]

/** Times with a label, about `wanted` of them, on whole minutes and hours of the day that begins at `midnight`. */
export function ticksOf(window: Span, midnight: number, wanted: number): number[] {
  const width = window.end - window.start
  const step = STEPS_MS.find((each) => width / each <= wanted) ?? 6 * HOUR_MS
  const first = midnight + Math.ceil((window.start - midnight) / step) * step
  const ticks: number[] = []
  for (let at = first; at <= window.end; at += step) ticks.push(at)
  return ticks
}

/** A window of `width` around `at`, moved into `limits`. */
export function windowAround(at: number, width: number, limits: Span): Span {
  const whole = Math.min(width, limits.end - limits.start)
  const start = Math.min(Math.max(at - whole / 2, limits.start), limits.end - whole)
  return { start, end: start + whole }
}

/** Left and width of a span in per cent of the window, or null when it lies outside. */
export function placed(span: Span, window: Span): { left: number; width: number } | null {
  const start = Math.max(span.start, window.start)
  const end = Math.min(span.end, window.end)
  if (end <= start) return null
  const whole = window.end - window.start
  return { left: ((start - window.start) / whole) * 100, width: ((end - start) / whole) * 100 }
}

/** The span that holds `at`. */
export const spanAt = (spans: readonly Span[], at: number): Span | undefined =>
  spans.find((span) => span.start <= at && at < span.end)

/** The last one for which `holds`, in a list ordered by time. */
export function lastWhere<T>(items: readonly T[], holds: (item: T) => boolean): T | undefined {
  for (let at = items.length - 1; at >= 0; at -= 1) {
    const item = items[at]
    if (item !== undefined && holds(item)) return item
  }
  return undefined
}

/** What is missing between `limits`, up to now. */
export function gapsOf(spans: readonly Span[], limits: Span): Span[] {
  const gaps: Span[] = []
  let from = limits.start
  for (const span of spans) {
    if (span.start > from) gaps.push({ start: from, end: Math.min(span.start, limits.end) })
    from = Math.max(from, span.end)
  }
  if (from < limits.end) gaps.push({ start: from, end: limits.end })
  return gaps
}
