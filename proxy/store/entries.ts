import { QueryTypes, type Transaction } from 'sequelize'
import { DataError } from '../domain/data-error.ts'
import type { Applied, Entry } from '../domain/entry.ts'
import { entryColumns, entryToRow } from '../domain/entry-row.ts'
import type { Database } from './database.ts'

const MINUTE_MS = 60_000

/**
 * Writes a batch of entries and moves the counters, in one transaction. An entry that is there already moves nothing;
 * a closed one that meets an interrupted one corrects it, and moves the counters by the difference. Throws `DataError`
 * when it is for what an entry says.
 */
export async function writeEntries(database: Database, entries: readonly Entry[]): Promise<readonly Applied[]> {
  const written = database.write(async (transaction) => {
    const applied = await newSpends(database, transaction, entries)
    if (applied.length > 0) {
      await insertRows(database, transaction, entries)
      await moveCounters(database, transaction, applied)
    }
    return applied
  })
  return written.catch((error: unknown) => {
    throw isOfData(error) ? new DataError('an entry does not fit into the database', { cause: error }) : error
  })
}

/** Not SQLITE_ERROR: that is also a table that is missing, which is no entry's fault. */
const DATA_CODES = new Set<unknown>(['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_RANGE', 'SQLITE_TOOBIG'])

function isOfData(error: unknown): boolean {
  const cause = error instanceof Error && 'parent' in error ? error.parent : undefined
  return cause instanceof Error && 'code' in cause && DATA_CODES.has(cause.code)
}

/** What the batch adds to what is there. The lock is held, so nobody can add in between. */
async function newSpends(database: Database, transaction: Transaction, entries: readonly Entry[]): Promise<Applied[]> {
  const known = await database.sequelize.query<{ id: string; status: string; spend: number }>(
    `SELECT id, status, spend_tokens AS spend FROM request_logs WHERE id IN (SELECT value FROM json_each($1))`,
    { bind: [JSON.stringify(entries.map(({ id }) => id))], type: QueryTypes.SELECT, transaction },
  )
  const before = new Map(known.map((row) => [row.id, row]))
  const applied: Applied[] = []
  for (const { id, keyId, admittedAt, status, spend } of entries) {
    const row = before.get(id)
    const isCorrection = row?.status === 'interrupted' && status !== 'interrupted'
    if (row && !isCorrection) continue
    applied.push({ keyId, admittedAt, spend: spend - (row?.spend ?? 0) })
    before.set(id, { id, status, spend })
  }
  return applied
}

/** One text whatever the batch's size: the rows come as one JSON value. */
const INSERT_ROWS = `
  INSERT INTO request_logs (${entryColumns.join(', ')})
  SELECT ${entryColumns.map((_, at) => `value ->> ${at}`).join(', ')} FROM jsonb_each($1) WHERE true
  ON CONFLICT (id) DO UPDATE SET ${entryColumns.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE request_logs.status = 'interrupted' AND excluded.status <> 'interrupted'`

async function insertRows(database: Database, transaction: Transaction, entries: readonly Entry[]): Promise<void> {
  await database.sequelize.query(INSERT_ROWS, { bind: [JSON.stringify(entries.map(entryToRow))], transaction })
}

/** Windows and keys move by sums: a batch has hundreds of entries, and few keys and minutes. */
async function moveCounters(database: Database, transaction: Transaction, applied: readonly Applied[]): Promise<void> {
  const minutes = new Map<string, { key: string; minute: number; spend: number }>()
  const keys = new Map<string, { key: string; spend: number; at: number }>()
  for (const { keyId, admittedAt, spend } of applied) {
    const minute = admittedAt - (admittedAt % MINUTE_MS)
    const inMinute = minutes.get(`${keyId} ${minute}`)?.spend ?? 0
    minutes.set(`${keyId} ${minute}`, { key: keyId, minute, spend: inMinute + spend })
    const before = keys.get(keyId) ?? { spend: 0, at: 0 }
    keys.set(keyId, { key: keyId, spend: before.spend + spend, at: Math.max(before.at, admittedAt) })
  }
  await database.sequelize.query(
    `INSERT INTO usage_windows (key_id, minute, tokens)
     SELECT value ->> 'key', value ->> 'minute', value ->> 'spend' FROM json_each($1) WHERE true
     ON CONFLICT (key_id, minute) DO UPDATE SET tokens = usage_windows.tokens + excluded.tokens`,
    { bind: [JSON.stringify([...minutes.values()])], transaction },
  )
  await database.sequelize.query(
    `UPDATE api_keys SET
       lifetime_tokens = lifetime_tokens + (moved.value ->> 'spend'),
       last_used_at = max(coalesce(last_used_at, 0), moved.value ->> 'at')
     FROM json_each($1) AS moved WHERE api_keys.id = moved.value ->> 'key'`,
    { bind: [JSON.stringify([...keys.values()])], transaction },
  )
}
