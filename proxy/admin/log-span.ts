import { z } from 'zod'
import type { GatewayError } from '../domain/errors.ts'
import type { CallSums } from '../domain/log-statistics.ts'
import { requestInvalid } from './problems.ts'
import { instant, instantInput, line } from './schemas.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
/** Statistics by the day are kept for ever, and no answer is to be of all of them. */
const MAX_DAYS = 400

export const spanInput = z.strictObject({
  from: instantInput.optional(),
  to: instantInput.optional().describe('Now, if it is left out'),
  tenantId: line(26).min(1).optional().describe('Whoever administers one tenant only sees that one'),
})

/** What is told besides sums, where it comes from. */
export const samples =
  'Times, and whatever the statistics are not kept by, are of the newest 10,000 calls of the gateway in that time: `sample` says since when, and how many of them were looked at.'

export const sampled = z.strictObject({ calls: z.int(), since: instant.nullable() })

export const tokenSums = {
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheCreationInputTokens: z.int(),
  cacheReadInputTokens: z.int(),
  cost: z.number().describe('USD, of the calls that have a price'),
} as const

export const NO_CALLS: CallSums = {
  group: '',
  calls: 0,
  failedCalls: 0,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  costNanoUsd: 0,
}

export function sumsOf(sums: CallSums) {
  return {
    inputTokens: sums.inputTokens,
    outputTokens: sums.outputTokens,
    cacheCreationInputTokens: sums.cacheWriteTokens,
    cacheReadInputTokens: sums.cacheReadTokens,
    cost: sums.costNanoUsd / 1e9,
  }
}

/** The span that was asked for, or from `start` until now. */
export function between(
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
  now: number,
  start: number,
): { readonly from: number; readonly to: number } {
  const span = { from: from ?? Math.min(start, to ?? start), to: to ?? now + 1 }
  if (span.from < 0 || span.from >= span.to) throw spanInvalid('It is not before to.')
  if (span.to - span.from > MAX_DAYS * DAY_MS) {
    throw spanInvalid(`More than ${MAX_DAYS} days are too many.`)
  }
  return span
}

export function spanInvalid(message: string): GatewayError {
  return requestInvalid([{ message, field: 'from' }])
}
