import type { Transaction } from 'sequelize'
import { encodeTime } from 'ulid'
import { type Database, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { adding, measures } from './entries-sql.ts'

const CHUNK_ROWS = 5000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Each resolution of `usage_stats`, how long its rows are kept, and into which they are summed up then. */
const steps = [
  { from: 'minute', to: 'hour', lengthMs: HOUR_MS, keptMs: 25 * HOUR_MS },
  { from: 'hour', to: 'day', lengthMs: DAY_MS, keptMs: 90 * DAY_MS },
] as const

/**
 * How long buckets of `limit_buckets` are kept from their start, besides those that go with the windows; and a quota's
 * from its last, once its channel counts to a later period.
 */
const bucketsKeptMs = { requests: 2 * 60_000, usd_hour: 32 * DAY_MS, quota: 32 * DAY_MS } as const

const TIME_CHARS = 10
/** In the table of settings, and nobody's to set. */
const REMOVED = 'logs_removed_before'

/**
 * What every id of `logsBefore` and later is not less than. The row of an older entry may have been deleted, and with
 * it the knowledge that it was counted: so deleting and refusing both go by the time in the id, which sorts by it.
 */
export function oldestRetainedId(logsBefore: number): string {
  return encodeTime(Math.max(0, logsBefore), TIME_CHARS)
}

/**
 * Entries with lesser ids may have been counted and removed since, by whatever retention, or by hand; empty where none
 * were. Throws `StoreError`.
 */
export async function readRemovedBefore(database: Database): Promise<string> {
  const find = `SELECT value FROM ${tableOf(database, 'settings')} WHERE name = '${REMOVED}'`
  try {
    const [row] = await select<{ value: string }>(database, find)
    return row === undefined ? '' : (JSON.parse(row.value) as string) // safe: written below
  } catch (error) {
    throw storeError('read what was removed', error)
  }
}

/** To be known before entries go: one that a spool or a printed line brings once more would be counted twice. */
export async function tellRemoved(database: Database, before: string, transaction?: Transaction): Promise<void> {
  const raise = `INSERT INTO ${tableOf(database, 'settings')} AS known (name, value) VALUES ('${REMOVED}', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE known.value < excluded.value`
  await run(database, raise, [JSON.stringify(before)], transaction)
}

/**
 * Deletes what is older than its retention, in chunks so that no commit waits long for a lock, and sums old statistics
 * up. Of several replicas one does it. Answers how many entries went.
 */
export async function prune(
  database: Database,
  logsBefore: number,
  windowsBefore: number,
  now: number,
): Promise<number> {
  const alone = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T | undefined> =>
    database.write(async (transaction) => ((await isTurn(database, transaction)) ? work(transaction) : undefined))

  await alone((transaction) => deleteBuckets(database, transaction, windowsBefore, now))
  for (const step of steps) await alone((transaction) => sumUp(database, transaction, step, now - step.keptMs))
  let deleted = 0
  for (;;) {
    const chunk = await alone((transaction) => deleteChunk(database, transaction, logsBefore))
    if (!chunk) return deleted
    deleted += chunk
  }
}

/** Whether this replica is the one that deletes, until the transaction ends. */
export async function isTurn(database: Database, transaction: Transaction): Promise<boolean> {
  if (database.schema === undefined) return true
  const lock = "SELECT pg_try_advisory_xact_lock(hashtext('tollgate:retention'), hashtext($1)) AS held"
  const [row] = await select<{ held: boolean }>(database, lock, [database.schema], transaction)
  return row?.held === true
}

/** The windows and what was taken back of them, and what else limits are counted in. */
async function deleteBuckets(
  database: Database,
  transaction: Transaction,
  windowsBefore: number,
  now: number,
): Promise<void> {
  const windows = tableOf(database, 'usage_windows')
  const isOut = inNoUse(database, windows, 'minute < $1')
  await run(database, `DELETE FROM ${windows} WHERE ${isOut}`, [windowsBefore], transaction)
  const buckets = tableOf(database, 'limit_buckets')
  const isOld = `(unit IN ('tokens', 'usd_minute') AND start < $1)
    OR (unit = 'requests' AND start < $2) OR (unit = 'usd_hour' AND start < $3)
    OR subject IN (${pastPeriods(database, '$4')})`
  const { requests, usd_hour: hours, quota } = bucketsKeptMs
  await run(
    database,
    `DELETE FROM ${buckets} WHERE ${inNoUse(database, buckets, isOld)}`,
    [windowsBefore, now - requests, now - hours, now - quota],
    transaction,
  )
}

/**
 * The subjects of quotas that nothing has counted to since `before`, while something has counted to another of the same
 * channel since, or there is no such channel any more. How long a period lasts is not for this to know.
 */
function pastPeriods(database: Database, before: string): string {
  const channel = `rtrim(subject, '0123456789')` // channel:<id>:<since>
  return `
    SELECT subject FROM (
      SELECT subject, ${channel} AS channel, max(start) AS last, max(max(start)) OVER (PARTITION BY ${channel}) AS latest
      FROM ${tableOf(database, 'limit_buckets')} WHERE unit IN ('quota_requests', 'quota_credit') GROUP BY subject
    ) AS period
    WHERE last < ${before}
      AND (last < latest OR channel NOT IN (SELECT 'channel:' || id || ':' FROM ${tableOf(database, 'channels')}))`
}

/** By id, which is sorted by time: the table needs no index for it. */
async function deleteChunk(database: Database, transaction: Transaction, logsBefore: number): Promise<number> {
  const logs = tableOf(database, 'request_logs')
  const chunk = await select<{ id: string }>(
    database,
    `SELECT id FROM ${logs} WHERE id < $1 ORDER BY id LIMIT ${CHUNK_ROWS}`,
    [oldestRetainedId(logsBefore)],
    transaction,
  )
  const last = chunk.at(-1)
  if (last === undefined) return 0
  await tellRemoved(database, oldestRetainedId(logsBefore), transaction)
  for (const table of [logs, tableOf(database, 'request_bodies')]) {
    await run(database, `DELETE FROM ${table} WHERE id <= $1`, [last.id], transaction)
  }
  return chunk.length
}

/** Entries that came late have made old rows anew: they are added to what is there. */
async function sumUp(
  database: Database,
  transaction: Transaction,
  { from, to, lengthMs }: (typeof steps)[number],
  before: number,
): Promise<void> {
  const table = tableOf(database, 'usage_stats')
  const end = before - (before % lengthMs) // whole periods only
  const isOld = inNoUse(database, table, `resolution = '${from}' AND start < $1`)
  const insertFrom = (source: string): string => `
    INSERT INTO ${table} AS stat (resolution, start, key_id, model, channel, ${measures.join(', ')})
    SELECT '${to}', start - start % ${lengthMs}, key_id, model, channel, ${measures.map((name) => `sum(${name})`).join(', ')}
    ${source} GROUP BY 2, 3, 4, 5
    ON CONFLICT (resolution, start, key_id, model, channel) ${adding('stat', measures)}`
  if (database.engine === 'postgres') {
    // What is deleted is what is summed up: an entry can be added to a row after a look at it.
    const moving = `WITH old AS (DELETE FROM ${table} WHERE ${isOld} RETURNING *) ${insertFrom('FROM old')}`
    await run(database, moving, [end], transaction)
    return
  }
  await run(database, insertFrom(`FROM ${table} WHERE ${isOld}`), [end], transaction)
  await run(database, `DELETE FROM ${table} WHERE ${isOld}`, [end], transaction)
}

/**
 * Late entries change many rows at once: who waited for them while they wait could wait for ever. What they hold on to
 * is left to the next time. SQLite has one writer.
 */
function inNoUse({ engine }: Database, table: string, condition: string): string {
  if (engine === 'sqlite') return condition
  return `ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE ${condition} FOR UPDATE SKIP LOCKED))`
}
