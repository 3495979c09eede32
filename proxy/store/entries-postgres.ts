import { entryColumns } from '../domain/entry-row.ts'
import type { Applied } from '../domain/store.ts'
import { type Database, select, selectPrepared, tableOf } from './database.ts'
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
  cache_write_1h_tokens: 'bigint',
  input_cost: 'bigint',
  cache_read_cost: 'bigint',
  cache_write_cost: 'bigint',
  output_cost: 'bigint',
}

const cells = columnsFrom((at, name) => {
  const cast = casts[name]
  return cast === undefined ? `cell ->> ${at}` : `(cell ->> ${at})::${cast}`
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
      SELECT ${cells} FROM jsonb_array_elements($1::jsonb) AS batch(cell)
    ), held AS MATERIALIZED (
      SELECT id FROM ${table('api_keys')} WHERE id IN (SELECT key_id FROM incoming) ORDER BY id FOR NO KEY UPDATE
    ), written AS (
      INSERT INTO ${table('request_logs')} AS log (${entryColumns.join(', ')})
      SELECT ${entryColumns.join(', ')} FROM incoming WHERE (SELECT count(*) FROM held) >= 0 ORDER BY id
      ON CONFLICT (id) ${correction('log', `jsonb_build_array(${replacedColumns.map((name) => `log.${name}`).join(', ')})::text`)}
      RETURNING key_id, tenant_id, admitted_at, model, channel, status, http_status, quota, attempts,
        ${replacedColumns.slice(1).join(', ')}, replaced::jsonb AS replaced
    ), sums AS (${sumsOf('written', 'postgres')}
    ), spent AS (${spentOf('sums', (name) => name)}
    ), quotas AS (${quotasOf('sums', (name) => name)}
    ), stats AS (
      INSERT INTO ${table('usage_stats')} AS stat (resolution, start, key_id, model, channel, ${measures.join(', ')})
      SELECT 'minute', minute, key_id, model, channel, ${measures.map((name) => `sum(${name})`).join(', ')}
      FROM sums GROUP BY 2, 3, 4, 5 ORDER BY 3, 2, 4, 5
      ON CONFLICT (resolution, start, key_id, model, channel) ${adding('stat', measures)}
    ), windows AS (
      INSERT INTO ${table('usage_windows')} AS bucket (key_id, minute, tokens)
      SELECT key_id, minute, sum(spend_tokens) FROM sums GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (key_id, minute) ${adding('bucket', ['tokens'])}
    ), money AS (
      INSERT INTO ${table('limit_buckets')} AS bucket (subject, unit, start, amount)
      ${moneyOf('spent')}
      ON CONFLICT (subject, unit, start) ${adding('bucket', ['amount'])}
    ), moved_quotas AS (
      INSERT INTO ${table('limit_buckets')} AS bucket (subject, unit, start, amount)
      SELECT * FROM quotas
      ON CONFLICT (subject, unit, start) ${adding('bucket', ['amount'])}
    ), quota_leases AS (
      UPDATE ${table('limit_leases')} AS lease SET amount = greatest(0, lease.amount - moved.amount)
      FROM (SELECT quota, unit, sum(amount)::bigint AS amount FROM quotas GROUP BY 1, 2) AS moved
      WHERE lease.replica_id = $2 AND lease.subject = moved.quota AND lease.unit = moved.unit
    ), keys AS (
      UPDATE ${table('api_keys')} AS key
      SET lifetime_tokens = lifetime_tokens + spend, last_used_at = greatest(last_used_at, at)
      FROM (SELECT key_id, sum(spend_tokens)::bigint AS spend, max(last_at) AS at FROM sums GROUP BY 1) AS moved
      WHERE key.id = moved.key_id
    ), leases AS (
      UPDATE ${table('limit_leases')} AS lease
      SET amount = greatest(0, amount - CASE unit WHEN 'tokens' THEN moved.tokens ELSE moved.cost END)
      FROM (SELECT subject, sum(tokens)::bigint AS tokens, sum(cost)::bigint AS cost FROM spent GROUP BY 1) AS moved
      WHERE lease.replica_id = $2 AND lease.subject = moved.subject AND lease.unit <> 'requests'
    )
    SELECT key_id, tenant_id, minute, quota, sum(spend_tokens)::bigint AS spend_tokens, sum(cost_nano_usd)::bigint AS cost_nano_usd,
      sum(entries)::bigint AS entries, sum(quota_requests)::bigint AS quota_requests,
      sum(quota_cost)::bigint AS quota_cost
    FROM sums GROUP BY 1, 2, 3, 4`
}

const statements = new WeakMap<Database, string>()

export async function writeToPostgres(database: Database, batch: string, spool: string): Promise<Applied[]> {
  let text = statements.get(database)
  if (text === undefined) statements.set(database, (text = statement(database)))
  const sums = database.hasSessions
    ? await selectPrepared<Sum>(database, 'write-entries', text, [batch, spool])
    : await select<Sum>(database, text, [batch, spool])
  return sums.map(appliedOf)
}
