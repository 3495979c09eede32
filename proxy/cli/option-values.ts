import { InvalidArgumentError } from 'commander'

/** A name: what a person can read on one line. */
export function nonEmpty(value: string): string {
  const text = value.trim()
  if (text === '' || text.length > 255 || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError('Give 1 to 255 printable characters.')
  return text
}

/** A count, which may be none. */
export function count(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('Give a whole number.')
  return number
}

/** A count of at least one. */
export function positive(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('Give a whole number of at least 1.')
  return number
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/** A moment in the future, as a duration from now or a date; milliseconds since the epoch. */
export function instant(value: string): number {
  const duration = /^(\d+)([mhdw])$/.exec(value)
  const at = duration ? Date.now() + Number(duration[1]) * (units[duration[2] ?? ''] ?? 0) : dateOf(value)
  // A number may be past the last moment that a date can tell.
  if (Number.isNaN(new Date(at).getTime())) {
    throw new InvalidArgumentError('Give 30m, 12h, 30d, 4w or an ISO 8601 date.')
  }
  if (at <= Date.now()) throw new InvalidArgumentError('That is in the past.')
  return at
}

/** NaN for what is no date: `Date.parse` alone takes 45 for the year 2045, and 30 February for 1 March. */
function dateOf(value: string): number {
  const day = value.slice(0, 10)
  const midnight = DATE.test(value) ? Date.parse(day) : NaN
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return NaN
  return Date.parse(value)
}
