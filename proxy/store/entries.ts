import { QueryTypes, type Transaction } from 'sequelize'
import type { Entry } from '../domain/entry.ts'
import type { Database } from './database.ts'

interface Applied {
  readonly keyId: string
  readonly admittedAt: number
  readonly spend: number
}

const MINUTE_MS = 60_000

/**
 * Writes a batch of entries and moves the counters, in one transaction. An entry that is there already moves nothing;
 * a closed one that meets an interrupted one corrects it, and moves the counters by the difference.
 */
export function writeEntries(database: Database, entries: readonly Entry[]): Promise<readonly Applied[]> {
  return database.write(async (transaction) => {
    const applied = await newSpends(database, transaction, entries)
    if (applied.length > 0) {
      await insertRows(database, transaction, entries)
      await moveCounters(database, transaction, applied)
    }
    return applied
  })
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

/** The columns of request_logs, each with where its value lies in an entry. */
const columns = {
  id: 'id',
  request_id: 'requestId',
  key_id: 'keyId',
  endpoint: 'endpoint',
  model: 'model',
  stream: 'stream',
  channel: 'channel',
  status: 'status',
  http_status: 'httpStatus',
  error: 'error',
  metering: 'metering',
  input_tokens: 'usage.inputTokens',
  cache_read_tokens: 'usage.cacheReadTokens',
  cache_write_tokens: 'usage.cacheWriteTokens',
  output_tokens: 'usage.outputTokens',
  reasoning_tokens: 'usage.reasoningTokens',
  spend_tokens: 'spend',
  admitted_at: 'admittedAt',
  first_byte_ms: 'firstByteMs',
  duration_ms: 'durationMs',
} as const
const names = Object.keys(columns)

/** One text whatever the batch's size: the rows come as one JSON value. */
const INSERT_ROWS = `
  INSERT INTO request_logs (${names.join(', ')})
  SELECT ${Object.values(columns)
    .map((path) => `value ->> '$.${path}'`)
    .join(', ')} FROM json_each($1) WHERE true
  ON CONFLICT (id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE request_logs.status = 'interrupted' AND excluded.status <> 'interrupted'`

async function insertRows(database: Database, transaction: Transaction, entries: readonly Entry[]): Promise<void> {
  await database.sequelize.query(INSERT_ROWS, { bind: [JSON.stringify(entries)], transaction })
}

async function moveCounters(database: Database, transaction: Transaction, applied: readonly Applied[]): Promise<void> {
  const rows = JSON.stringify(
    applied.map(({ keyId, admittedAt, spend }) => ({
      key: keyId,
      minute: admittedAt - (admittedAt % MINUTE_MS),
      at: admittedAt,
      spend,
    })),
  )
  await database.sequelize.query(
    `INSERT INTO usage_windows (key_id, minute, tokens)
     SELECT value ->> 'key', value ->> 'minute', sum(value ->> 'spend') FROM json_each($1) WHERE true GROUP BY 1, 2
     ON CONFLICT (key_id, minute) DO UPDATE SET tokens = usage_windows.tokens + excluded.tokens`,
    { bind: [rows], transaction },
  )
  await database.sequelize.query(
    `UPDATE api_keys SET
       lifetime_tokens = lifetime_tokens + moved.spend,
       last_used_at = max(coalesce(last_used_at, 0), moved.at)
     FROM (SELECT value ->> 'key' AS key_id, sum(value ->> 'spend') AS spend, max(value ->> 'at') AS at
           FROM json_each($1) GROUP BY 1) AS moved
     WHERE api_keys.id = moved.key_id`,
    { bind: [rows], transaction },
  )
}
