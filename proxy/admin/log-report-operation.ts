import { z } from 'zod'
import { type Entry, NO_CIRCUMSTANCES, NOTHING_TOLD } from '../domain/entry.ts'
import { type LogStore, REPORTED } from '../domain/log.ts'
import { type Costs, costsOf } from '../domain/price.ts'
import { createPriceLookup } from '../domain/price-lookup.ts'
import { UNMULTIPLIED } from '../domain/price-multipliers.ts'
import type { Usage } from '../domain/usage.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import type { PriceParts } from './price-operations.ts'
import { requestInvalid } from './problems.ts'
import { instantInput, line } from './schemas.ts'

export interface LogReportParts extends Pick<PriceParts, 'prices'> {
  readonly logs: Pick<LogStore, 'report'>
}

/** How far the clock of another machine may be ahead. */
const MAX_AHEAD_MS = 60_000

const tokens = z.int().min(0).max(1e12).default(0)
const usd = z.number().min(0).max(1_000_000).optional()
const text = line(255)
const report = z.strictObject({
  requestId: line(128).min(1).describe('What was reported under it before is not reported again'),
  model: text.min(1),
  status: z
    .enum(['pending', 'completed', 'error', 'timeout', 'failover', 'retry_wait'])
    .default('completed')
    .describe('Shown as completed, failed (error, timeout, failover) or interrupted (pending, retry_wait)'),
  initialTime: instantInput.optional().describe('If it is left out, now less the duration'),
  completeTime: instantInput.optional(),
  firstTokenTime: instantInput.optional(),
  durationMs: z.int().min(0).max(86_400_000).optional(),
  inputTokens: tokens,
  outputTokens: tokens,
  cacheCreationInputTokens: tokens,
  cacheReadInputTokens: tokens,
  price: usd.describe('In USD, as all costs; if they are left out, what the model costs here'),
  inputCost: usd,
  outputCost: usd,
  cacheCreationCost: usd,
  cacheReadCost: usd,
  httpStatus: z.int().min(0).max(999).optional(),
  endpoint: text.min(1).default('messages'),
  clientId: text.optional(),
  sessionId: text.optional(),
  error: text.optional(),
  upstreamError: text.optional(),
})
type Report = z.output<typeof report>

/** Calls that did not come through the gateway, reported by whoever saw them. */
export function logReportOperation({ logs, prices }: LogReportParts): DocumentedOperation {
  return operation(
    {
      id: 'reportLog',
      method: 'POST',
      path: '/api/logs/hooks/anthropic',
      tag: 'Logs',
      access: 'admin',
      summary: 'Puts a call into the logs that did not come through the gateway',
      description: `It is shown among the others, in the channel \`hook\` and with the channelId \`${REPORTED}\`. It belongs to no key, counts against no window or budget, and is in no sum of the statistics.`,
      body: report,
      answer: z.strictObject({ id: z.string(), created: z.boolean().describe('False where it was there already') }),
    },
    async ({ body, now }) => {
      const lookUp = createPriceLookup(await prices.list())
      const usage = usageOf(body)
      const listed = costsOf({ metering: 'exact', usage }, lookUp(body.model), UNMULTIPLIED, 'standard')
      const reported = await logs.report(entryOf(body, usage, costsToldIn(body) ?? listed, now))
      return { body: reported, audit: { target: reported.id, after: { requestId: body.requestId, ...reported } } }
    },
  )
}

function usageOf(body: Report): Usage {
  return {
    inputTokens: body.inputTokens,
    outputTokens: body.outputTokens,
    cacheReadTokens: body.cacheReadInputTokens,
    cacheWriteTokens: body.cacheCreationInputTokens,
    reasoningTokens: 0,
  }
}

/** Undefined where nothing is said; what is left out of it is nothing. */
function costsToldIn({ price, inputCost, outputCost, cacheCreationCost, cacheReadCost }: Report): Costs | undefined {
  const kinds = [inputCost, outputCost, cacheCreationCost, cacheReadCost]
  if ([price, ...kinds].every((cost) => cost === undefined)) return undefined
  const [inputNanoUsd = 0, outputNanoUsd = 0, cacheWriteNanoUsd = 0, cacheReadNanoUsd = 0] = kinds.map(nanoUsd)
  const sum = inputNanoUsd + outputNanoUsd + cacheWriteNanoUsd + cacheReadNanoUsd
  const totalNanoUsd = price === undefined ? sum : nanoUsd(price)
  return { inputNanoUsd, outputNanoUsd, cacheWriteNanoUsd, cacheReadNanoUsd, totalNanoUsd }
}

function nanoUsd(cost: number | undefined): number {
  return Math.round((cost ?? 0) * 1e9)
}

const statuses = {
  completed: 'completed',
  error: 'failed',
  timeout: 'failed',
  failover: 'failed',
  pending: 'interrupted',
  retry_wait: 'interrupted',
} as const

function entryOf(body: Report, usage: Usage, costs: Costs | null, now: number): Omit<Entry, 'id'> {
  const { status, firstTokenTime } = body
  const endedAt = body.completeTime ?? now
  const admittedAt = body.initialTime ?? endedAt - (body.durationMs ?? 0)
  const durationMs = body.durationMs ?? Math.max(0, endedAt - admittedAt)
  if (admittedAt > now + MAX_AHEAD_MS) throw requestInvalid([{ field: 'initialTime', message: 'This is yet to come.' }])
  if (admittedAt < 0 || durationMs > 86_400_000) {
    throw requestInvalid([{ field: 'initialTime', message: 'No call takes longer than a day.' }])
  }
  return {
    requestId: body.requestId,
    keyId: '',
    tenantId: null,
    endpoint: body.endpoint,
    model: body.model,
    stream: firstTokenTime !== undefined,
    channel: 'hook',
    ...NO_CIRCUMSTANCES,
    channelId: REPORTED,
    admittedAt,
    attempts: [],
    status: statuses[status],
    httpStatus: body.httpStatus ?? (status === 'completed' ? 200 : 0),
    error: body.error ?? (status === 'completed' ? null : status),
    metering: 'exact',
    usage,
    spend: 0,
    firstByteMs: firstTokenTime === undefined ? null : Math.min(durationMs, Math.max(0, firstTokenTime - admittedAt)),
    durationMs,
    told: { ...NOTHING_TOLD, error: body.upstreamError ?? null },
    clientId: body.clientId ?? null,
    sessionId: body.sessionId ?? null,
    costs,
    costNanoUsd: costs?.totalNanoUsd ?? null,
    quota: null,
  }
}
