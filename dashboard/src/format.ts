/** Times, spans and figures as people of a language write them, in the zone of the browser. */
export interface Format {
  /** 14:03:09 */
  clock: (at: string | number | Date) => string
  /** 14:03 */
  minute: (at: string | number | Date) => string
  /** Today the clock, else date and clock. */
  moment: (at: string | number | Date, now?: number) => string
  /** Full date and clock. */
  dateTime: (at: string | number | Date) => string
  /** The date alone. */
  date: (at: string | number | Date) => string
  /** Weekday and date, for headings. */
  day: (at: string | number | Date) => string
  /** "12 seconds ago". */
  ago: (at: string | number | Date, now: number) => string
  /** "8 s", "3 min", from milliseconds. */
  span: (ms: number) => string
  /** 1,234 */
  count: (value: number) => string
  /** 1.9 MB, 20 GB */
  bytes: (value: number) => string
  /** 98 % from 0.98; never 100 % for less than one. */
  share: (value: number) => string
}

const EMPTY = '—'

export function createFormat(locale: string, timeZone?: string): Format {
  const make = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { hourCycle: 'h23', timeZone, ...options })
  const clock = make({ hour: '2-digit', minute: '2-digit', second: '2-digit' })
  const minute = make({ hour: '2-digit', minute: '2-digit' })
  const dayClock = make({
    month: 'numeric',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const full = make({ dateStyle: 'medium', timeStyle: 'medium' })
  const date = make({ dateStyle: 'medium', hourCycle: undefined })
  const day = make({ year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' })
  const dayKey = make({ year: 'numeric', month: '2-digit', day: '2-digit' })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' })
  const number = new Intl.NumberFormat(locale)
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 })
  const size = (value: number, name: string) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumSignificantDigits: value < 100 ? 2 : 3,
    }).format(value)
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: 0,
    }).format(value)

  /** A missing or unreadable time gives a dash, never an exception in the middle of a page. */
  const guarded =
    (write: (date: Date) => string) =>
    (at: string | number | Date): string => {
      const date = new Date(at)
      return Number.isNaN(date.getTime()) ? EMPTY : write(date)
    }

  return {
    clock: guarded((date) => clock.format(date)),
    minute: guarded((date) => minute.format(date)),
    moment: (at, now = Date.now()) =>
      guarded((date) => (dayKey.format(date) === dayKey.format(now) ? clock : dayClock).format(date))(at),
    dateTime: guarded((date) => full.format(date)),
    date: guarded((at) => date.format(at)),
    day: guarded((date) => day.format(date)),
    ago: (at, now) =>
      guarded((date) => {
        const seconds = Math.round((date.getTime() - now) / 1000)
        // Clocks of camera, server and browser differ by a little: the future is now.
        if (seconds > -5) return relative.format(0, 'second')
        if (seconds > -60) return relative.format(seconds, 'second')
        if (seconds > -3600) return relative.format(Math.trunc(seconds / 60), 'minute')
        if (seconds > -86_400) return relative.format(Math.trunc(seconds / 3600), 'hour')
        return relative.format(Math.trunc(seconds / 86_400), 'day')
      })(at),
    span: (ms) => {
      const seconds = Math.max(0, Math.round(ms / 1000))
      if (seconds < 60) return unit(seconds, 'second')
      if (seconds < 3600) return unit(Math.floor(seconds / 60), 'minute')
      return unit(Math.floor(seconds / 3600), 'hour')
    },
    count: (value) => number.format(value),
    bytes: (value) => {
      const names = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']
      let at = 0
      for (; value >= 999.5 && at < names.length - 1; at += 1) value /= 1000
      return size(value, names[at] ?? 'byte')
    },
    share: (value) => percent.format(value < 1 ? Math.min(0.99, value) : 1),
  }
}

/** Midnight at the start of the day of `at`, in the zone of the browser. */
export function startOfDay(at: number | Date): Date {
  const date = new Date(at)
  date.setHours(0, 0, 0, 0)
  return date
}
