import { tokenColumns } from '../domain/entry-row.ts'
import type { CallSample, CallSums, LogSpan, LogStatistics, SampleGrouping } from '../domain/log-statistics.ts'
import { told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { type Condition, equal, isOfTenant, where, withinTimes } from './log-conditions.ts'

/** How many calls are looked at one by one: an answer must not cost more the more there are. */
const MAX_SAMPLED = 10_000
const MAX_GROUPS = 1000
const HOUR_MS = 3_600_000
const lengthsMs = { minute: 60_000, hour: HOUR_MS, day: 24 * HOUR_MS } as const

/** Each field of `CallSums`, and its column in `usage_stats`. */
const sums = {
  calls: 'calls',
  failedCalls: 'failed_calls',
  inputTokens: 'input_tokens',
  cacheReadTokens: 'cache_read_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  outputTokens: 'output_tokens',
  costNanoUsd: 'cost_nano_usd',
} as const
/** What a call adds to them. */
const added = `1 AS calls, CASE WHEN status = 'completed' AND http_status < 400 THEN 0 ELSE 1 END AS failed_calls,
  coalesce(cost_nano_usd, 0) AS cost_nano_usd, ${tokenColumns.join(', ')}`
const summed = Object.entries(sums).map(([field, column]) => `CAST(sum(${column}) AS BIGINT) AS "${field}"`)

/** A stream's tokens come after its first byte, and another answer's all at once. */
const OUTPUT_MS = 'duration_ms - CASE WHEN stream THEN coalesce(first_byte_ms, 0) ELSE 0 END'
const RATE = `CASE WHEN output_tokens > 0 AND ${OUTPUT_MS} > 0 THEN output_tokens * 1000.0 / (${OUTPUT_MS}) END`
const percentile = (share: number): string => `min(CASE WHEN place >= ${share} * size THEN duration_ms END)`
const percentiles = [`${percentile(0.5)} AS "p50Ms"`, `${percentile(0.95)} AS "p95Ms"`]
const noPercentiles = ['CAST(NULL AS BIGINT) AS "p50Ms"', 'CAST(NULL AS BIGINT) AS "p95Ms"']
const measured = [
  'CAST(avg(duration_ms) AS DOUBLE PRECISION) AS "averageMs"',
  'CAST(avg(rate) AS DOUBLE PRECISION) AS "tokensPerSecond"',
  'count(rate) AS "callsWithOutput"',
  'min(admitted_at) AS "firstAt"',
  'max(admitted_at) AS "lastAt"',
  'max(endpoint) AS endpoint',
]

/** As an engine has it: the start of a stretch is a number, and a call may have no name. */
type Read<Sums extends CallSums> = Omit<Sums, 'group'> & { readonly group: string | number | null }

export function createLogStatistics(database: Database): LogStatistics {
  const stats = tableOf(database, 'usage_stats')
  const logs = tableOf(database, 'request_logs')

  /** The id of the oldest entry that is looked at, and when it was admitted. */
  const edgeOf = async (conditions: readonly Condition[]): Promise<{ id: string; at: number } | undefined> => {
    const { clause, bind } = where(conditions)
    const newest = `SELECT id FROM ${logs} ${clause} ORDER BY id DESC LIMIT ${MAX_SAMPLED}` // the index has it all
    const sql = `SELECT id, admitted_at AS at FROM ${logs} WHERE id = (SELECT min(id) FROM (${newest}) AS newest)`
    return (await select<{ id: string; at: number }>(database, sql, bind))[0]
  }

  const sample = async (span: Parameters<LogStatistics['sample']>[0], by: SampleGrouping) => {
    const walked = withinTimes(span.from, span.to)
    const edge = await edgeOf(walked)
    if (edge === undefined) return { groups: [], since: null }
    const { clause, bind } = where([
      ...walked,
      { text: (place) => `id >= ${place}`, value: edge.id },
      ...narrowing(database, span),
      ...equal('endpoint', span.endpoint),
    ])
    const group = groupOf(by, 'admitted_at', MODEL)
    const isByName = by !== 'all' && typeof by === 'string'
    const places = `, row_number() OVER (PARTITION BY ${group} ORDER BY duration_ms) AS place,
      count(*) OVER (PARTITION BY ${group}) AS size`
    const sql = `
      SELECT "group", ${[...summed, ...measured, ...(isByName ? noPercentiles : percentiles)].join(', ')}
      FROM (
        SELECT ${group} AS "group", ${added}, duration_ms, ${RATE} AS rate, admitted_at, endpoint${isByName ? '' : places}
        FROM ${logs} ${clause}
      ) AS calls
      GROUP BY "group" ORDER BY "calls" DESC, "group" LIMIT ${MAX_GROUPS}`
    return { groups: (await select<Read<CallSample>>(database, sql, bind)).map((row) => named(row)), since: edge.at }
  }

  return {
    async sums(span, by) {
      const { clause, bind } = where([startsWithin(span), ...narrowing(database, span)])
      const sql = `
        SELECT ${groupOf(by, 'start')} AS "group", ${summed.join(', ')} FROM ${stats} ${clause}
        GROUP BY 1 ORDER BY "calls" DESC, "group" LIMIT ${MAX_GROUPS}`
      return (await told('read the statistics', select<Read<CallSums>>(database, sql, bind))).map((row) => named(row))
    },
    sample: (span, by) => told('read the logs', sample(span, by)),
  }
}

/** Rows of any resolution that begin within the span, or that it begins in: each call is in one of them. */
function startsWithin({ from, to }: LogSpan): Condition {
  const ofEach = Object.entries(lengthsMs).map(
    ([resolution, lengthMs]) =>
      `(resolution = '${resolution}' AND start >= ${from - (from % lengthMs)} AND start < ${to})`,
  )
  return { text: () => `(${ofEach.join(' OR ')})` }
}

function narrowing(database: Database, { tenantId, keyId, channel }: LogSpan): readonly Condition[] {
  return [...isOfTenant(database, tenantId), ...equal('key_id', keyId), ...equal('channel', channel)]
}

/** As the sums are kept: the model of a call that was refused is left out, since a caller could make up any. */
const MODEL = "CASE WHEN http_status < 400 THEN coalesce(model, '') ELSE '' END"

function groupOf(by: SampleGrouping, instant: string, model = 'model'): string {
  if (by === 'all') return "CAST('' AS TEXT)"
  if (by === 'model') return model
  return typeof by === 'string' ? by : `${instant} - ${instant} % ${by.bucketMs}`
}

/** What has no name has an empty one. */
function named<Sums extends CallSums>(row: Read<Sums>): Sums {
  return { ...row, group: String(row.group ?? '') } as Sums // safe: all but the group is as it was
}
