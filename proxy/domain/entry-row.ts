import type { Entry, FailedAttempt, Metering, Status } from './entry.ts'
import type { ServiceTier } from './service-tier.ts'

/**
 * An entry as a flat list, in the order of `entryColumns`. The spool keeps it and the database takes it in this form,
 * which is half as long as an object and twice as fast to write and to read. New columns are added at the end: a row of
 * an older program is shorter, and its reader takes 0, an empty text or null for what is missing.
 */
export type EntryRow = readonly (string | number | boolean | null)[]

export const tokenColumns = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'spend_tokens',
] as const

/** Columns of `request_logs`. */
export const entryColumns = [
  'id',
  'request_id',
  'key_id',
  'endpoint',
  'model',
  'stream',
  'channel',
  'status',
  'http_status',
  'error',
  'metering',
  ...tokenColumns,
  'admitted_at',
  'first_byte_ms',
  'duration_ms',
  'cost_nano_usd',
  'attempts',
  'channel_id',
  'client_id',
  'session_id',
  'effort',
  'lost',
  'upstream_model',
  'service_tier',
  'upstream_error',
  'cache_write_1h_tokens',
  'input_cost',
  'cache_read_cost',
  'cache_write_cost',
  'output_cost',
  'quota',
  'tenant_id',
] as const

/** The JSON of an entry's row: the form in which it lies in the spool and goes to the store. */
export function rowJson(entry: Entry): string {
  return JSON.stringify(entryToRow(entry))
}

const ID_START = '["'.length
const ID_END = ID_START + 26

/** The id of a row, without parsing its JSON. */
export function idOfRow(row: string): string {
  return row.slice(ID_START, ID_END)
}

export function entryOfJson(row: string): Entry {
  return entryFromRow(JSON.parse(row) as EntryRow) // safe: written by rowJson
}

export function entryToRow(entry: Entry): EntryRow {
  const { usage, told, costs } = entry
  return [
    entry.id,
    entry.requestId,
    entry.keyId,
    entry.endpoint,
    entry.model,
    entry.stream ? 1 : 0,
    entry.channel,
    entry.status,
    entry.httpStatus,
    entry.error,
    entry.metering,
    usage.inputTokens,
    usage.cacheReadTokens,
    usage.cacheWriteTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    entry.spend,
    entry.admittedAt,
    entry.firstByteMs,
    entry.durationMs,
    entry.costNanoUsd,
    entry.attempts.length === 0 ? null : JSON.stringify(entry.attempts),
    entry.channelId,
    entry.clientId,
    entry.sessionId,
    entry.effort,
    entry.lost,
    told.model,
    told.serviceTier,
    told.error,
    usage.cacheWrite1hTokens ?? 0,
    costs?.inputNanoUsd ?? null,
    costs?.cacheReadNanoUsd ?? null,
    costs?.cacheWriteNanoUsd ?? null,
    costs?.outputNanoUsd ?? null,
    entry.quota,
    entry.tenantId,
  ]
}

/** The other direction, for rows that this program has written: their types are known, and are not looked at again. */
export function entryFromRow(row: EntryRow): Entry {
  // By length and not by value: a number that is null was none when it was written, and is not to become 0.
  const text = (at: number): string => (at < row.length ? row[at] : '') as string
  const number = (at: number): number => (at < row.length ? row[at] : 0) as number
  const told = (at: number): string | null => (row[at] ?? null) as string | null
  const cost = (at: number): number | null => (row[at] ?? null) as number | null
  const [input, cacheRead, cacheWrite, output] = [cost(31), cost(32), cost(33), cost(34)]
  const hourTokens = number(30)
  return {
    id: text(0),
    requestId: text(1),
    keyId: text(2),
    endpoint: text(3),
    model: (row[4] ?? null) as string | null,
    stream: row[5] === 1,
    channel: text(6),
    status: row[7] as Status,
    httpStatus: number(8),
    error: (row[9] ?? null) as string | null,
    metering: row[10] as Metering,
    usage: {
      inputTokens: number(11),
      cacheReadTokens: number(12),
      cacheWriteTokens: number(13),
      outputTokens: number(14),
      reasoningTokens: number(15),
      ...(hourTokens > 0 && { cacheWrite1hTokens: hourTokens }),
    },
    spend: number(16),
    admittedAt: number(17),
    firstByteMs: (row[18] ?? null) as number | null,
    durationMs: number(19),
    costNanoUsd: (row[20] ?? null) as number | null,
    attempts: JSON.parse(told(21) ?? '[]') as FailedAttempt[],
    channelId: text(22),
    clientId: told(23),
    sessionId: told(24),
    effort: told(25),
    lost: told(26),
    told: { model: told(27), serviceTier: told(28) as ServiceTier | null, error: told(29) },
    costs:
      input === null || cacheRead === null || cacheWrite === null || output === null
        ? null
        : {
            inputNanoUsd: input,
            cacheReadNanoUsd: cacheRead,
            cacheWriteNanoUsd: cacheWrite,
            outputNanoUsd: output,
            totalNanoUsd: cost(20) ?? 0,
          },
    quota: told(35),
    tenantId: told(36),
  }
}
