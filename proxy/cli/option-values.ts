import { InvalidArgumentError } from 'commander'
import { MAX_OVERLAP_MS } from '../domain/key.ts'
import { parseUsd } from '../domain/money.ts'

/** A name: what a person can read on one line. */
export function nonEmpty(value: string): string {
  const text = value.trim()
  if (text === '' || text.length > 255 || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError('Give 1 to 255 printable characters.')
  return text
}

/** Names, one or several at a time. For commander, which hands over what came before. */
export function names(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, nonEmpty(value)]
}

/** A text for people; an empty one takes away what was there. */
export function freeText(value: string): string {
  const text = value.trim()
  if (text.length > 1000 || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError('Give at most 1000 printable characters.')
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
  const forMs = durationOf(value)
  const at = forMs === undefined ? dateOf(value) : Date.now() + forMs
  // A number may be past the last moment that a date can tell.
  if (Number.isNaN(new Date(at).getTime())) {
    throw new InvalidArgumentError('Give 30m, 12h, 30d, 4w or an ISO 8601 date.')
  }
  if (at <= Date.now()) throw new InvalidArgumentError('That is in the past.')
  return at
}

/** How long an old secret goes on, in milliseconds. */
export function overlap(value: string): number {
  const forMs = value === '0' ? 0 : durationOf(value)
  if (forMs === undefined || forMs > MAX_OVERLAP_MS) {
    throw new InvalidArgumentError('Give 0, 30m, 24h, 7d or 4w: at most 30 days.')
  }
  return forMs
}

function durationOf(value: string): number | undefined {
  const duration = /^(\d+)([mhdw])$/.exec(value)
  return duration ? Number(duration[1]) * (units[duration[2] ?? ''] ?? 0) : undefined
}

/** NaN for what is no date: `Date.parse` alone takes 45 for the year 2045, and 30 February for 1 March. */
function dateOf(value: string): number {
  const day = value.slice(0, 10)
  const midnight = DATE.test(value) ? Date.parse(day) : NaN
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return NaN
  return Date.parse(value)
}

/** A limit, or null for none. An object, since commander takes a value of null for an empty text. */
export interface Limit<T> {
  readonly value: T | null
}

/** Where `word` stands for no limit. */
export function unless<T>(word: string, parse: (value: string) => T): (value: string) => Limit<T> {
  return (value) => ({ value: value === word ? null : parse(value) })
}

/** An amount that may be spent, in nano-USD. None at all would be a disabled key. */
export function budget(value: string): number {
  const nanoUsd = parseUsd(value)
  if (nanoUsd === undefined || nanoUsd === 0) {
    throw new InvalidArgumentError('Give USD such as 2.50: at least 0.000000001, and less than nine million.')
  }
  return nanoUsd
}

const MAX_PRICE_NANO_USD = 10 ** 15

/** A price in nano-USD; 0 is free. */
export function usd(value: string): number {
  const nanoUsd = parseUsd(value)
  if (nanoUsd === undefined || nanoUsd > MAX_PRICE_NANO_USD) {
    throw new InvalidArgumentError('Give USD such as 0.30: with at most nine decimals, and at most a million.')
  }
  return nanoUsd
}
