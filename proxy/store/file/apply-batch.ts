import type { Entry } from '../../domain/entry.ts'
import { type EntryRow, entryFromRow, idOfRow } from '../../domain/entry-row.ts'
import type { Position, SpoolMark } from '../../domain/spool-mark.ts'
import type { Applied } from '../../domain/store.ts'
import { StoreError } from '../../domain/store-error.ts'
import { appliedMark, type FileRecord, type KeyFile, toInstant, type UsageWindow } from './key-file.ts'

const MINUTE_MS = 60_000
/** Five hours, for which a bucket counts from its end, and two minutes, since clocks differ. */
const KEPT_MS = 5 * 60 * MINUTE_MS + 2 * MINUTE_MS
/** A process has a spool of its own, so restarts would make the list longer for ever. */
const MAX_SPOOLS = 100
/** The last instant that a date can hold (ECMA-262, section 21.4.1.1). */
const MAX_INSTANT = 8.64e15

interface Spend {
  total: number
  lastAt: number
  readonly minutes: Map<number, { readonly amount: number; readonly entries: number }>
}

/** What a batch makes of the file. */
export interface Change {
  readonly file: KeyFile
  readonly applied: readonly Applied[]
}

/** The entries of a batch, each once. */
export function readRows(rows: readonly string[]): readonly Entry[] {
  const entries = new Map<string, Entry>()
  for (const row of rows) {
    const entry = readRow(row)
    if (!entries.has(entry.id)) entries.set(entry.id, entry)
  }
  return [...entries.values()]
}

/** One number that is none would make the whole file unreadable, for all keys. */
function readRow(row: string): Entry {
  try {
    const entry = entryFromRow(JSON.parse(row) as EntryRow) // safe: what comes out of it is looked at below
    const { spend, admittedAt } = entry
    if (typeof entry.id === 'string' && Number.isSafeInteger(spend) && spend >= 0 && isInstant(admittedAt)) return entry
  } catch {
    // Told below: the parser's message would quote the row.
  }
  const entryId = idOfRow(row)
  throw new StoreError('validation', 'an entry does not fit into the key file', { operation: 'write entries', entryId })
}

function isInstant(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MAX_INSTANT
}

/**
 * Counts entries and moves the mark of their spool, so that both are saved at once or not at all. Undefined if the
 * file has them already. Entries of keys that are not in the file any more count nowhere.
 */
export function applyBatch(
  file: KeyFile,
  entries: readonly Entry[],
  mark: SpoolMark,
  idOf: (key: string) => string,
  now: number,
): Change | undefined {
  if (!isBeyond(mark, appliedMark(file, mark.spool))) return undefined
  const spends = spendsOf(entries)
  const applied: Applied[] = []
  const keys = file.keys.map((record) => {
    const keyId = idOf(record.key)
    const spend = spends.get(keyId)
    if (!spend) return withoutWindows(record, isOver(now))
    for (const [minute, { amount, entries: count }] of spend.minutes) {
      applied.push({ keyId, minute, spend: amount, costNanoUsd: 0, entries: count }) // a key file has no prices
    }
    return withoutWindows(withSpend(record, spend), isOver(now))
  })
  return { file: { ...file, keys, tollgate: withMark(file, mark) }, applied }
}

/** The file without the windows that begin before; the same object if there are none. */
export function withoutWindowsBefore(file: KeyFile, before: number): KeyFile {
  const keys = file.keys.map((record) => withoutWindows(record, (start) => start < before))
  return keys.every((record, at) => record === file.keys[at]) ? file : { ...file, keys }
}

export function isBeyond(mark: Position, other: Position | undefined): boolean {
  if (!other) return true
  return mark.segment === other.segment ? mark.offset > other.offset : mark.segment > other.segment
}

function spendsOf(entries: readonly Entry[]): ReadonlyMap<string, Spend> {
  const spends = new Map<string, Spend>()
  for (const { keyId, admittedAt, spend } of entries) {
    const sum: Spend = spends.get(keyId) ?? { total: 0, lastAt: 0, minutes: new Map() }
    const minute = admittedAt - (admittedAt % MINUTE_MS)
    sum.total += spend
    sum.lastAt = Math.max(sum.lastAt, admittedAt)
    const before = sum.minutes.get(minute) ?? { amount: 0, entries: 0 }
    sum.minutes.set(minute, { amount: before.amount + spend, entries: before.entries + 1 })
    spends.set(keyId, sum)
  }
  return spends
}

function withSpend(record: FileRecord, { total, lastAt, minutes }: Spend): FileRecord {
  let windows: readonly UsageWindow[] = record.usage_windows ?? []
  for (const [minute, { amount }] of minutes) windows = withBucket(windows, minute, amount)
  return {
    ...record,
    last_used: new Date(Math.max(lastAt, toInstant(record.last_used) ?? 0)).toISOString(),
    total_lifetime_tokens: sumOf(record.total_lifetime_tokens ?? 0, total),
    usage_windows: [...windows],
  }
}

/** The windows of system A begin at any instant; they are buckets like ours and keep their places. */
function withBucket(windows: readonly UsageWindow[], minute: number, amount: number): readonly UsageWindow[] {
  const at = windows.findLastIndex(({ window_start }) => Date.parse(window_start) <= minute)
  const before = windows[at]
  if (before && Date.parse(before.window_start) === minute) {
    return windows.with(at, { ...before, tokens_used: sumOf(before.tokens_used, amount) })
  }
  return windows.toSpliced(at + 1, 0, { window_start: new Date(minute).toISOString(), tokens_used: amount })
}

/** A sum beyond this is rounded, and would not be read again. */
function sumOf(before: number, amount: number): number {
  return Math.min(before + amount, Number.MAX_SAFE_INTEGER)
}

function isOver(now: number): (start: number) => boolean {
  return (start) => start + MINUTE_MS + KEPT_MS < now
}

function withoutWindows(record: FileRecord, isOld: (start: number) => boolean): FileRecord {
  const windows = record.usage_windows ?? []
  const kept = windows.filter(({ window_start }) => !isOld(Date.parse(window_start)))
  return kept.length === windows.length ? record : { ...record, usage_windows: kept }
}

function withMark(file: KeyFile, { spool, segment, offset }: SpoolMark): KeyFile['tollgate'] {
  const others = Object.entries(file.tollgate?.applied ?? {}).filter(([name]) => name !== spool)
  // A ULID begins with its time, so the last in order are the newest.
  const newest = others.toSorted(([a], [b]) => (a < b ? 1 : -1)).slice(0, MAX_SPOOLS - 1)
  return { ...file.tollgate, applied: Object.fromEntries([[spool, { segment, offset }], ...newest]) }
}
