import { z } from 'zod'
import { failoverInfoOf, type LoggedEntry } from '../domain/log.ts'
import { instant, iso } from './schemas.ts'

const count = z.int()
const usd = z.number().nullable().describe('USD; null is unpriced, which is not free')
const text = z.string().nullable()

/** An entry of the ledger, by system C's names, and with what it had no name for. */
export const logItem = z.strictObject({
  id: z.string().describe('A ULID: sorted by the time of admission'),
  requestId: z.string(),
  status: z
    .enum(['completed', 'failed', 'client_gone', 'interrupted'])
    .describe('completed: the upstream answered to the end, with whatever httpStatus'),
  initialTime: instant,
  firstTokenTime: instant.nullable(),
  firstTokenDurationMs: count.nullable(),
  completeTime: instant,
  durationMs: count,
  type: z.string().describe('The wire format that the caller spoke: messages, responses, chat, or another endpoint'),
  providerName: z.string().describe('The same as channelName'),
  model: text,
  responseModel: text.describe('As the upstream called the one that answered'),
  reasoningEffort: text,
  serviceTier: text,
  inputTokens: count.describe('Neither read from nor written to a cache'),
  outputTokens: count,
  cacheCreationInputTokens: count,
  cacheCreation1hInputTokens: count.describe('The part of cacheCreationInputTokens that is kept for an hour'),
  cacheReadInputTokens: count,
  reasoningTokens: count.describe('Part of outputTokens'),
  totalTokens: count,
  spendTokens: count.describe('What counts against the window of the key'),
  metering: z.enum(['exact', 'estimated', 'unmetered']),
  price: usd.describe('The sum of the costs, in USD; null is unpriced, which is not free'),
  inputCost: usd,
  outputCost: usd,
  cacheCreationCost: usd,
  cacheReadCost: usd,
  costNanoUsd: count.nullable().describe('The price without rounding'),
  httpStatus: count.describe(
    'What the caller was answered; behind a heartbeat, which fixes that at 200, what it would have been without one',
  ),
  stream: z.boolean(),
  transport: z.enum(['sse', 'http']),
  channelId: z.string(),
  channelName: z.string(),
  endpoint: z.string(),
  clientId: text,
  sessionId: text,
  apiKeyId: z.string().nullable().describe('Null for what another program has reported'),
  error: text.describe('A code of the error catalogue, or the kind of error that the upstream named'),
  upstreamError: text,
  lostFields: z
    .array(z.string())
    .describe('Fields of the request and of the answer that the other format has no place for'),
  failoverInfo: text.describe('What was tried before, as <status[:kind]> > <action>[ > <channel>], with semicolons'),
  attempts: z
    .array(
      z.strictObject({
        channel: z.string(),
        model: text,
        status: count.describe('0 where no answer came'),
        error: text,
        action: z.enum(['retry', 'failover']).describe('Whether the same channel was asked again, or the next one'),
        durationMs: count,
        costNanoUsd: count.nullable(),
      }),
    )
    .describe('The attempts before the last one; their tokens and costs are in the sums above'),
  hasDebugData: z.boolean().describe('Whether the request and the answer were kept and can be read'),
})

const types: ReadonlyMap<string, string> = new Map([
  ['chat/completions', 'chat'],
  ['completions', 'chat'],
])

export function typeOf(endpoint: string): string {
  return types.get(endpoint) ?? endpoint
}

function usdOf(nanoUsd: number | null | undefined): number | null {
  return nanoUsd === null || nanoUsd === undefined ? null : nanoUsd / 1e9
}

export function shownLog(entry: LoggedEntry): z.input<typeof logItem> {
  const { usage, told, costs, admittedAt, firstByteMs, durationMs, channel, attempts, lost } = entry
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage
  return {
    id: entry.id,
    requestId: entry.requestId,
    status: entry.status,
    initialTime: iso(admittedAt),
    firstTokenTime: iso(firstByteMs === null ? null : admittedAt + firstByteMs),
    firstTokenDurationMs: firstByteMs,
    completeTime: iso(admittedAt + durationMs),
    durationMs,
    type: typeOf(entry.endpoint),
    providerName: channel,
    model: entry.model,
    responseModel: told.model,
    reasoningEffort: entry.effort,
    serviceTier: told.serviceTier,
    inputTokens,
    outputTokens,
    cacheCreationInputTokens: cacheWriteTokens,
    cacheCreation1hInputTokens: usage.cacheWrite1hTokens ?? 0,
    cacheReadInputTokens: cacheReadTokens,
    reasoningTokens,
    totalTokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
    spendTokens: entry.spend,
    metering: entry.metering,
    price: usdOf(entry.costNanoUsd),
    inputCost: usdOf(costs?.inputNanoUsd),
    outputCost: usdOf(costs?.outputNanoUsd),
    cacheCreationCost: usdOf(costs?.cacheWriteNanoUsd),
    cacheReadCost: usdOf(costs?.cacheReadNanoUsd),
    costNanoUsd: entry.costNanoUsd,
    httpStatus: entry.httpStatus,
    stream: entry.stream,
    transport: entry.stream ? 'sse' : 'http',
    channelId: entry.channelId,
    channelName: channel,
    endpoint: entry.endpoint,
    clientId: entry.clientId,
    sessionId: entry.sessionId,
    apiKeyId: entry.keyId === '' ? null : entry.keyId,
    error: entry.error,
    upstreamError: told.error,
    lostFields: lost === null ? [] : lost.split(','),
    failoverInfo: failoverInfoOf(attempts, channel),
    attempts: attempts.map(
      ({ channel: name, model, status, error, followedBy: next, durationMs: lastedMs, costs: cost }) => ({
        channel: name,
        model,
        status,
        error,
        action: next === 'again' ? 'retry' : 'failover',
        durationMs: lastedMs,
        costNanoUsd: cost?.totalNanoUsd ?? null,
      }),
    ),
    hasDebugData: entry.hasRecording,
  }
}
