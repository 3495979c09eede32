import { entryColumns } from '../domain/entry-row.ts'
import type { Applied } from '../domain/store.ts'
import { type Database, select, selectPrepared, tableOf } from './database.ts'
import { adding, correction, measures, moneyOf, replacedColumns, sumsOf } from './entries-sql.ts'

/** Casts of the cells of a row; the others are texts. */
const casts: Partial<Record<(typeof entryColumns)[number], string>> = {
  stream: 'int::boolean',
  http_status: 'int',
  input_tokens: 'bigint',
  cache_read_tokens: 'bigint',
  cache_write_tokens: 'bigint',
  output_tokens: 'bigint',
  reasoning_tokens: 'bigint',
  spend_tokens: 'bigint',
  admitted_at: 'bigint',
  first_byte_ms: 'int',
  duration_ms: 'int',
  cost_nano_usd: 'bigint',
}

const cells = entryColumns.map((name, at) => {
  const cast = casts[name]
  return `${cast === undefined ? `cell ->> ${at}` : `(cell ->> ${at})::${cast}`} AS ${name}`
})

/**
 * One statement, one text whatever the size of the batch. The rows of the keys are locked first and in order, so
 * that replicas which write for the same keys wait for one another and never in a circle. What is new is what the
 * INSERT returns, and not what a look before it had shown: another process may have written meanwhile.
 */
function statement(database: Database): string {
  const table = (name: string): string => tableOf(database, name)
  return `
    WITH incoming AS MATERIALIZED (
      SELECT ${cells.join(', ')} FROM jsonb_array_elements($1::jsonb) AS batch(cell)
    ), held AS MATERIALIZED (
      SELECT id FROM ${table('api_keys')} WHERE id IN (SELECT key_id FROM incoming) ORDER BY id FOR NO KEY UPDATE
    ), written AS (
      INSERT INTO ${table('request_logs')} AS log (${entryColumns.join(', ')})
      SELECT ${entryColumns.join(', ')} FROM incoming WHERE (SELECT count(*) FROM held) >= 0 ORDER BY id
      ON CONFLICT (id) ${correction('log', `jsonb_build_array(${replacedColumns.map((name) => `log.${name}`).join(', ')})::text`)}
      RETURNING key_id, admitted_at, model, channel, status, http_status,
        ${replacedColumns.slice(1).join(', ')}, replaced::jsonb AS replaced
    ), sums AS (${sumsOf('written')}
    ), stats AS (
      INSERT INTO ${table('usage_stats')} AS stat (resolution, start, key_id, model, channel, ${measures.join(', ')})
      SELECT 'minute', minute, key_id, model, channel, ${measures.join(', ')} FROM sums ORDER BY 3, 2, 4, 5
      ON CONFLICT (resolution, start, key_id, model, channel) ${adding('stat', measures)}
    ), windows AS (
      INSERT INTO ${table('usage_windows')} AS bucket (key_id, minute, tokens)
      SELECT key_id, minute, sum(spend_tokens) FROM sums GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (key_id, minute) ${adding('bucket', ['tokens'])}
    ), money AS (
      INSERT INTO ${table('limit_buckets')} AS bucket (subject, unit, start, amount)
      ${moneyOf('sums', (name) => name)}
      ON CONFLICT (subject, unit, start) ${adding('bucket', ['amount'])}
    ), keys AS (
      UPDATE ${table('api_keys')} AS key
      SET lifetime_tokens = lifetime_tokens + spend, last_used_at = greatest(last_used_at, at)
      FROM (SELECT key_id, sum(spend_tokens)::bigint AS spend, max(last_at) AS at FROM sums GROUP BY 1) AS moved
      WHERE key.id = moved.key_id
    ), leases AS (
      UPDATE ${table('limit_leases')} AS lease
      SET amount = greatest(0, amount - CASE unit WHEN 'tokens' THEN moved.tokens ELSE moved.cost END)
      FROM (
        SELECT key_id, sum(spend_tokens)::bigint AS tokens, sum(cost_nano_usd)::bigint AS cost FROM sums GROUP BY 1
      ) AS moved
      WHERE lease.replica_id = $2 AND lease.subject = moved.key_id AND lease.unit <> 'requests'
    )
    SELECT key_id AS "keyId", minute, sum(spend_tokens)::bigint AS spend,
      sum(cost_nano_usd)::bigint AS "costNanoUsd", sum(entries)::bigint AS entries
    FROM sums GROUP BY 1, 2`
}

const statements = new WeakMap<Database, string>()

export function writeToPostgres(database: Database, batch: string, spool: string): Promise<Applied[]> {
  let text = statements.get(database)
  if (text === undefined) statements.set(database, (text = statement(database)))
  return database.hasSessions
    ? selectPrepared<Applied>(database, 'write-entries', text, [batch, spool])
    : select<Applied>(database, text, [batch, spool])
}
