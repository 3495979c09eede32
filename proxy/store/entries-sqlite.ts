import { entryColumns } from '../domain/entry-row.ts'
import type { Applied } from '../domain/store.ts'
import { type Database, run, select } from './database.ts'
import {
  adding,
  appliedOf,
  columnsFrom,
  correction,
  measures,
  moneyOf,
  quotasOf,
  replacedColumns,
  spentOf,
  type Sum,
  sumsOf,
} from './entries-sql.ts'

const cells = columnsFrom((at) => `value ->> ${at}`)
const keep = (table: string): string => `json_array(${replacedColumns.map((name) => `${table}.${name}`).join(', ')})`

/** What the batch would change. The write lock is held, so nobody can change it in between. */
const SUMS = `
  WITH incoming AS (SELECT ${cells} FROM jsonb_each($1)),
  fresh AS MATERIALIZED (
    SELECT incoming.*, CASE WHEN log.id IS NULL THEN NULL ELSE ${keep('log')} END AS replaced
    FROM incoming LEFT JOIN request_logs AS log ON log.id = incoming.id
    WHERE log.id IS NULL OR (log.status = 'interrupted' AND incoming.status <> 'interrupted')
  )
  ${sumsOf('fresh', 'sqlite')}`

const INSERT_ENTRIES = `
  INSERT INTO request_logs (${entryColumns.join(', ')}) SELECT ${cells} FROM jsonb_each($1) WHERE true
  ON CONFLICT (id) ${correction('request_logs', keep('request_logs'))}`

const ADD_STATS = `
  INSERT INTO usage_stats (resolution, start, key_id, model, channel, ${measures.join(', ')})
  SELECT 'minute', value ->> 'minute', value ->> 'key_id', value ->> 'model', value ->> 'channel',
    ${measures.map((name) => `sum(value ->> '${name}')`).join(', ')}
  FROM json_each($1) GROUP BY 2, 3, 4, 5
  ON CONFLICT (resolution, start, key_id, model, channel) ${adding('usage_stats', measures)}`

const ADD_WINDOWS = `
  INSERT INTO usage_windows (key_id, minute, tokens)
  SELECT value ->> 'key_id', value ->> 'minute', sum(value ->> 'spend_tokens') FROM json_each($1) GROUP BY 1, 2
  ON CONFLICT (key_id, minute) ${adding('usage_windows', ['tokens'])}`

const ADD_MONEY = `
  INSERT INTO limit_buckets (subject, unit, start, amount)
  ${moneyOf(`(${spentOf('json_each($1)', (name) => `(value ->> '${name}')`)})`)}
  ON CONFLICT (subject, unit, start) ${adding('limit_buckets', ['amount'])}`

const ADD_QUOTAS = `
  INSERT INTO limit_buckets (subject, unit, start, amount)
  ${quotasOf('json_each($1)', (name) => `(value ->> '${name}')`)}
  ON CONFLICT (subject, unit, start) ${adding('limit_buckets', ['amount'])}`

const ADD_LIFETIME = `
  UPDATE api_keys
  SET lifetime_tokens = lifetime_tokens + moved.spend, last_used_at = max(coalesce(last_used_at, 0), moved.at)
  FROM (
    SELECT value ->> 'key_id' AS key_id, sum(value ->> 'spend_tokens') AS spend, max(value ->> 'last_at') AS at
    FROM json_each($1) GROUP BY 1
  ) AS moved WHERE api_keys.id = moved.key_id`

/** SQLite has no statement that changes several tables: one transaction, whose few sums make a round through here. */
export function writeToSqlite(database: Database, batch: string): Promise<Applied[]> {
  return database.write(async (transaction) => {
    const sums = await select<Sum>(database, SUMS, [batch], transaction)
    if (sums.length > 0) {
      await run(database, INSERT_ENTRIES, [batch], transaction)
      const moved = JSON.stringify(sums)
      for (const add of [ADD_STATS, ADD_WINDOWS, ADD_MONEY, ADD_QUOTAS, ADD_LIFETIME])
        await run(database, add, [moved], transaction)
    }
    return sums.map(appliedOf)
  })
}
