import { entryColumns, tokenColumns } from '../domain/entry-row.ts'
import type { Applied } from '../domain/store.ts'
import { TENANT_PREFIX } from '../domain/tenant.ts'
import type { Database } from './database.ts'

/** What both engines understand of the ledger's SQL. */

/** The sums in `usage_stats`. */
export const measures = ['calls', 'failed_calls', ...tokenColumns, 'cost_nano_usd'] as const

/** What `replaced` keeps of an entry that is corrected: counters have moved by it. */
export const replacedColumns = ['channel', ...tokenColumns, 'cost_nano_usd'] as const

/** What stands for a column that takes no null where the row of an older program ends before it. */
const defaults: Partial<Record<(typeof entryColumns)[number], string>> = {
  channel_id: "''",
  cache_write_1h_tokens: '0',
}

/** The columns of entries from the cells of their rows. */
export function columnsFrom(cell: (at: number, name: (typeof entryColumns)[number]) => string): string {
  return entryColumns
    .map((name, at) => {
      const value = cell(at, name)
      return `${defaults[name] === undefined ? value : `coalesce(${value}, ${defaults[name]})`} AS ${name}`
    })
    .join(', ')
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Makes an interrupted entry the closed one that has turned up; `keep` is JSON of what it had said. */
export function correction(table: string, keep: string): string {
  return `DO UPDATE SET ${entryColumns.map((name) => `${name} = excluded.${name}`).join(', ')}, replaced = ${keep}
    WHERE ${table}.status = 'interrupted' AND excluded.status <> 'interrupted'`
}

/**
 * By how much the counters move, from rows of `source`: entries that are new, with `replaced` where they correct one.
 * The model of a call that the upstream refused is left out: a caller could make up one for every call. An interrupted
 * entry counts to no quota before it is corrected: whether it was a request to the upstream nobody knows. What failed
 * attempts have cost counts to the quotas of their own channels.
 */
export function sumsOf(source: string, engine: Database['engine']): string {
  const attempt =
    engine === 'postgres' ? 'jsonb_array_elements(attempts::jsonb) AS attempt(value)' : 'json_each(attempts) AS attempt'
  const attemptCost = "coalesce(CAST(attempt.value -> 'costs' ->> 'totalNanoUsd' AS BIGINT), 0)"
  const minute = `admitted_at - admitted_at % ${MINUTE_MS} AS minute`
  const model = "CASE WHEN http_status < 400 THEN coalesce(model, '') ELSE '' END"
  const taken = replacedColumns.map((name, at) =>
    at === 0 ? '' : `-coalesce(CAST(replaced ->> ${at} AS BIGINT), 0) AS ${name}`,
  )
  return `
    SELECT key_id, tenant_id, minute, model, channel, quota, max(admitted_at) AS last_at,
      CAST(sum(entries) AS BIGINT) AS entries, CAST(sum(quota_requests) AS BIGINT) AS quota_requests,
      CAST(sum(quota_cost) AS BIGINT) AS quota_cost,
      ${measures.map((name) => `CAST(sum(${name}) AS BIGINT) AS ${name}`).join(', ')}
    FROM (
      SELECT key_id, tenant_id, ${minute}, admitted_at, channel,
        ${model} AS model,
        CASE WHEN status = 'interrupted' THEN NULL ELSE quota END AS quota,
        CASE WHEN http_status < 300 OR http_status = 400 THEN 1 ELSE 0 END AS quota_requests,
        coalesce(cost_nano_usd - (SELECT coalesce(sum(${attemptCost}), 0) FROM ${attempt}), 0) AS quota_cost,
        1 AS entries, 1 AS calls, CASE WHEN status = 'completed' AND http_status < 400 THEN 0 ELSE 1 END AS failed_calls,
        ${tokenColumns.join(', ')}, coalesce(cost_nano_usd, 0) AS cost_nano_usd
      FROM ${source}
      UNION ALL
      SELECT key_id, tenant_id, ${minute}, admitted_at, replaced ->> 0, coalesce(model, ''), NULL, 0, 0, 0, -1, -1, ${taken.slice(1).join(', ')}
      FROM ${source} WHERE replaced IS NOT NULL
      UNION ALL
      SELECT key_id, tenant_id, ${minute}, admitted_at, channel, ${model}, attempt.value ->> 'quota', 0, ${attemptCost}, 0, 0, 0, ${taken
        .slice(1)
        .map(() => 0)
        .join(', ')}
      FROM ${source} AS entry, ${attempt} WHERE status <> 'interrupted' AND attempt.value ->> 'quota' IS NOT NULL
    ) AS change
    GROUP BY key_id, tenant_id, minute, model, channel, quota`
}

/** What budgets are counted in: minutes for five hours, and hours, which are fewer, for days and months. */
const moneyUnits = [
  { unit: 'usd_minute', lengthMs: MINUTE_MS },
  { unit: 'usd_hour', lengthMs: 60 * MINUTE_MS },
] as const

type SpentCell = 'key_id' | 'tenant_id' | 'minute' | 'spend_tokens' | 'cost_nano_usd'

/** What keys have spent, and what that is to their tenants, whose limits are in money alone. */
export function spentOf(source: string, cell: (name: SpentCell) => string): string {
  return `
    SELECT ${cell('key_id')} AS subject, ${cell('minute')} AS minute, ${cell('spend_tokens')} AS tokens, ${cell('cost_nano_usd')} AS cost
    FROM ${source}
    UNION ALL SELECT '${TENANT_PREFIX}' || ${cell('tenant_id')}, ${cell('minute')}, 0, ${cell('cost_nano_usd')}
    FROM ${source} WHERE ${cell('tenant_id')} IS NOT NULL`
}

/** By how much the buckets of money move, from what `spentOf` tells. */
export function moneyOf(spent: string): string {
  const units = moneyUnits.map(({ unit, lengthMs }) => `SELECT '${unit}' AS unit, ${lengthMs} AS length_ms`)
  return `
    SELECT subject, unit, minute - minute % length_ms, CAST(sum(cost) AS BIGINT)
    FROM ${spent} AS spent, (${units.join(' UNION ALL ')}) AS units
    GROUP BY 1, 2, 3 HAVING sum(cost) <> 0 ORDER BY 1, 2, 3`
}

type QuotaCell = 'quota' | 'minute' | 'quota_requests' | 'quota_cost'

/** By how much the buckets of quotas move: a day each, since a quota counts from one instant on. */
export function quotasOf(source: string, cell: (name: QuotaCell) => string): string {
  const amount = (name: QuotaCell): string => `CAST(sum(${cell(name)}) AS BIGINT)`
  return `
    SELECT quota, unit, start, CASE unit WHEN 'quota_requests' THEN requests ELSE cost END AS amount
    FROM (
      SELECT ${cell('quota')} AS quota, ${cell('minute')} - ${cell('minute')} % ${DAY_MS} AS start,
        ${amount('quota_requests')} AS requests, ${amount('quota_cost')} AS cost
      FROM ${source} WHERE ${cell('quota')} IS NOT NULL GROUP BY 1, 2
    ) AS moved, (SELECT 'quota_requests' AS unit UNION ALL SELECT 'quota_credit') AS units
    WHERE CASE unit WHEN 'quota_requests' THEN requests ELSE cost END <> 0 ORDER BY 1, 2, 3`
}

/** Adds to counters that are there already. */
export function adding(table: string, columns: readonly string[]): string {
  return `DO UPDATE SET ${columns.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`
}

/** What both engines answer of entries that are new. */
export interface Sum {
  readonly key_id: string
  readonly tenant_id: string | null
  readonly minute: number
  readonly quota: string | null
  readonly spend_tokens: number
  readonly cost_nano_usd: number
  readonly entries: number
  readonly quota_requests: number
  readonly quota_cost: number
}

export function appliedOf({ key_id: keyId, tenant_id: tenantId, minute, quota, entries, ...sum }: Sum): Applied {
  return {
    keyId,
    minute,
    spend: sum.spend_tokens,
    costNanoUsd: sum.cost_nano_usd,
    entries,
    ...(quota !== null && { quota: { subject: quota, requests: sum.quota_requests, costNanoUsd: sum.quota_cost } }),
    ...(tenantId !== null && { tenantId }),
  }
}
