import type { Entry, FailedAttempt } from '../../proxy/domain/entry.ts'
import { rowJson } from '../../proxy/domain/entry-row.ts'
import type { Applied } from '../../proxy/domain/store.ts'
import { NO_USAGE } from '../../proxy/domain/usage.ts'
import type { Database } from '../../proxy/store/database.ts'
import { writeEntries } from '../../proxy/store/entries.ts'
import { summedUp } from './entries.ts'
import type { TestDatabase } from './database.ts'

const TOKENS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'spend_tokens',
]
const SUMS = [...TOKENS, 'cost_nano_usd']

/** A sum of a text column of numbers, as a number on both engines. */
const sum = (name: string): string => `CAST(sum(coalesce(${name}, 0)) AS BIGINT) AS ${name}`
const MONEY = [
  ['usd_hour', 3_600_000],
  ['usd_minute', 60_000],
] as const
const REQUESTS = 'CASE WHEN http_status < 300 OR http_status = 400 THEN 1 ELSE 0 END'
const MINUTE = 'admitted_at - admitted_at % 60000'

interface Counters {
  readonly lifetime: readonly object[]
  readonly windows: readonly object[]
  /** Of money, and of channels' quotas of requests. */
  readonly buckets: readonly object[]
  /** Of channels' quotas in money: by subject, and the start of the day. */
  readonly credit: Readonly<Record<string, number>>
  readonly stats: readonly object[]
}

/** What the counters have to be: sums over the entries. */
export async function sumsOf({ query }: TestDatabase): Promise<Counters> {
  return {
    lifetime: await query(
      'SELECT key_id AS id, CAST(sum(spend_tokens) AS BIGINT) AS tokens, max(admitted_at) AS at FROM request_logs GROUP BY 1 ORDER BY 1',
    ),
    windows: await query(
      `SELECT key_id, ${MINUTE} AS minute, CAST(sum(spend_tokens) AS BIGINT) AS tokens FROM request_logs GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
    buckets: await query(
      [
        ...MONEY.map(
          ([unit, lengthMs]) => `
          SELECT key_id AS subject, '${unit}' AS unit, admitted_at - admitted_at % ${lengthMs} AS start,
            CAST(sum(cost_nano_usd) AS BIGINT) AS amount
          FROM request_logs WHERE cost_nano_usd <> 0 GROUP BY 1, 2, 3`,
        ),
        ...MONEY.map(
          ([unit, lengthMs]) => `
          SELECT 'tenant:' || tenant_id, '${unit}', admitted_at - admitted_at % ${lengthMs},
            CAST(sum(cost_nano_usd) AS BIGINT)
          FROM request_logs WHERE cost_nano_usd <> 0 AND tenant_id IS NOT NULL GROUP BY 1, 2, 3`,
        ),
        `
          SELECT quota, 'quota_requests', admitted_at - admitted_at % 86400000, CAST(sum(${REQUESTS}) AS BIGINT)
          FROM request_logs WHERE quota IS NOT NULL AND status <> 'interrupted' GROUP BY 1, 2, 3
          HAVING sum(${REQUESTS}) <> 0`,
      ].join(' UNION ALL ') + ' ORDER BY 1, 2, 3',
    ),
    credit: await creditOf(query),
    stats: await query(
      `SELECT ${MINUTE} AS start, key_id, CASE WHEN http_status < 400 THEN coalesce(model, '') ELSE '' END AS model, channel,
         count(*) AS calls, sum(CASE WHEN status <> 'completed' OR http_status >= 400 THEN 1 ELSE 0 END) AS failed_calls,
         ${SUMS.map(sum).join(', ')}
       FROM request_logs GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    ),
  }
}

/** What each attempt has cost counts to the quota of its own channel. */
async function creditOf(query: TestDatabase['query']): Promise<Record<string, number>> {
  const entries = await query<{ quota: string | null; start: number; cost: number | null; attempts: string | null }>(
    `SELECT quota, admitted_at - admitted_at % 86400000 AS start, cost_nano_usd AS cost, attempts
     FROM request_logs WHERE status <> 'interrupted'`,
  )
  const credit: Record<string, number> = {}
  const add = (quota: string | null, start: number, cost: number): void => {
    const name = `${quota} ${start}`
    if (quota !== null && cost !== 0) credit[name] = (credit[name] ?? 0) + cost
  }
  for (const { quota, start, cost, attempts } of entries) {
    const failed = JSON.parse(attempts ?? '[]') as readonly FailedAttempt[] // safe: written by an entry
    const costs = failed.map((attempt) => attempt.costs?.totalNanoUsd ?? 0)
    if (cost !== null)
      add(
        quota,
        start,
        costs.reduce((left, one) => left - one, cost),
      )
    for (const [at, attempt] of failed.entries()) add(attempt.quota, start, costs[at] ?? 0)
  }
  return credit
}

/** The counters, without those that a correction has brought back to nothing. */
export async function countersOf({ query }: TestDatabase): Promise<Counters> {
  const credit = await query<{ subject: string; start: number; amount: number }>(
    "SELECT subject, start, amount FROM limit_buckets WHERE amount <> 0 AND unit = 'quota_credit'",
  )
  return {
    lifetime: await query(
      'SELECT id, lifetime_tokens AS tokens, last_used_at AS at FROM api_keys WHERE last_used_at IS NOT NULL ORDER BY 1',
    ),
    windows: await query('SELECT key_id, minute, tokens FROM usage_windows ORDER BY 1, 2'),
    buckets: await query(
      "SELECT subject, unit, start, amount FROM limit_buckets WHERE amount <> 0 AND unit <> 'quota_credit' ORDER BY 1, 2, 3",
    ),
    credit: Object.fromEntries(credit.map(({ subject, start, amount }) => [`${subject} ${start}`, amount])),
    stats: await query(
      `SELECT start, key_id, model, channel, calls, failed_calls, ${SUMS.join(', ')}
       FROM usage_stats WHERE ${['calls', 'failed_calls', ...SUMS].map((name) => `${name} <> 0`).join(' OR ')}
       ORDER BY 1, 2, 3, 4`,
    ),
  }
}

/** As if nobody had ever called. */
export async function clearLedger({ query }: TestDatabase): Promise<void> {
  for (const table of ['request_logs', 'usage_windows', 'limit_buckets', 'usage_stats'])
    await query(`DELETE FROM ${table}`)
  await query('UPDATE api_keys SET lifetime_tokens = 0, last_used_at = NULL')
}

/** Answers what was told, one sum for each key and minute. */
export async function write(
  { database }: { readonly database: Database },
  entries: readonly Entry[],
): Promise<readonly Applied[]> {
  return summedUp(await writeEntries(database, entries.map(rowJson)))
}

/** What an adopter writes of a call in flight. */
export function interrupted(entry: Entry, spend: number, costNanoUsd: number | null = null): Entry {
  const usage = { ...NO_USAGE, inputTokens: spend }
  const said = { status: 'interrupted', error: 'interrupted', metering: 'estimated', httpStatus: 0 } as const
  return { ...entry, ...said, usage, spend, costNanoUsd }
}
