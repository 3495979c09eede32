import { z } from 'zod'
import { type Entry, NO_CIRCUMSTANCES, NOTHING_TOLD } from '../domain/entry.ts'

const count = z.number().int().min(0)
const name = z.string().max(255)

const usage = z.object({
  inputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  outputTokens: count,
  reasoningTokens: count,
  cacheWrite1hTokens: count.exactOptional(),
})

const costs = z.object({
  inputNanoUsd: count,
  outputNanoUsd: count,
  cacheWriteNanoUsd: count,
  cacheReadNanoUsd: count,
  totalNanoUsd: count,
})

const attempt = z.object({
  channel: name,
  model: name.nullable(),
  status: count,
  error: name.nullable(),
  followedBy: z.enum(['again', 'next']),
  durationMs: count,
  usage,
  costs: costs.nullable(),
  quota: z.string().max(64).nullable().default(null),
})

const told = z.object({
  model: name.nullable(),
  serviceTier: z.enum(['standard', 'priority', 'ultrafast', 'flex']).nullable(),
  error: name.nullable(),
})

/** An entry as JSON, from outside: unlike a line of the spool, nothing vouches for it. */
const entry = z.object({
  id: z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
  requestId: z.string().max(128),
  keyId: z.string().max(26),
  endpoint: name,
  model: name.nullable(),
  stream: z.boolean(),
  channel: name,
  admittedAt: count,
  status: z.enum(['completed', 'failed', 'client_gone', 'interrupted']),
  httpStatus: count,
  error: name.nullable(),
  metering: z.enum(['exact', 'estimated', 'unmetered']),
  usage,
  firstByteMs: count.nullable(),
  durationMs: count,
  spend: count,
  // From here on what an older program did not print.
  costNanoUsd: count.nullable().default(null),
  attempts: z.array(attempt).default([]),
  channelId: name.default(NO_CIRCUMSTANCES.channelId),
  clientId: name.nullable().default(null),
  sessionId: name.nullable().default(null),
  effort: name.nullable().default(null),
  lost: name.nullable().default(null),
  costs: costs.nullable().default(null),
  told: told.default(NOTHING_TOLD),
  quota: z.string().max(64).nullable().default(null),
  tenantId: z.string().max(26).nullable().default(null),
})

/**
 * The entry on a line that a process printed at its end; undefined for any other line. `invalid` is what was meant as
 * an entry and is none: a spend that would be lost if it passed for any other line.
 */
export function readEntry(line: string): Entry | 'invalid' | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const isMeant = typeof value === 'object' && value !== null && 'id' in value && 'usage' in value
  return isMeant ? (entry.safeParse(value).data ?? 'invalid') : undefined
}
