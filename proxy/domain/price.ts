import type { PriceMultipliers } from './channel.ts'
import type { Outcome } from './entry.ts'
import { type ServiceTier, tierFactors } from './service-tier.ts'

/** What a model costs, in nano-USD for a million tokens of each kind. Reasoning is output. */
export interface Price {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** Of what a cache keeps for an hour; left out it follows `cacheWrite`. */
  readonly cacheWrite1h?: number
  readonly output: number
}

export interface ModelPrice extends Price {
  readonly description: string
  /** Whether `GET /v1/models` may list the model. */
  readonly isExported: boolean
}

/** By the name of the model. */
export type Prices = ReadonlyMap<string, ModelPrice>

/** A price above a million USD is a slip of the hand. */
export const MAX_PRICE_NANO_USD = 10 ** 15

/**
 * What reading from and writing to a cache cost where nobody has said: a tenth and five quarters of the input, as with
 * Anthropic (https://platform.claude.com/docs/en/build-with-claude/prompt-caching). Nothing would be free.
 */
export function cachePrices(input: number): Pick<Price, 'cacheRead' | 'cacheWrite'> {
  return { cacheRead: Math.round(input / 10), cacheWrite: Math.round((input / 4) * 5) }
}

/** Anthropic asks 1.25 times the input for five minutes and twice the input for an hour: 1.6 times as much. */
export function hourPrice({ cacheWrite, cacheWrite1h }: Price): number {
  return cacheWrite1h ?? cacheWrite + Math.round((cacheWrite * 3) / 5)
}

/** What a call has cost, in nano-USD by kind of token. */
export interface Costs {
  readonly inputNanoUsd: number
  readonly outputNanoUsd: number
  readonly cacheWriteNanoUsd: number
  readonly cacheReadNanoUsd: number
  /** The sum of the others. */
  readonly totalNanoUsd: number
}

/**
 * What a call has cost; null where nobody knows, since its model is unpriced or it was not counted in tokens. Each kind
 * is exact, and rounded once, half up; multipliers count to nine decimals.
 */
export function costsOf(
  { metering, usage }: Pick<Outcome, 'metering' | 'usage'>,
  price: Price | undefined,
  multipliers: PriceMultipliers,
  tier: ServiceTier,
): Costs | null {
  if (price === undefined || metering === 'unmetered') return null
  const factor = tierFactors[tier]
  const hourTokens = usage.cacheWrite1hTokens ?? 0
  const writeTokens = usage.cacheWriteTokens - hourTokens
  const inputNanoUsd = costOfKind(multipliers.input * factor, usage.inputTokens, price.input)
  const outputNanoUsd = costOfKind(multipliers.output * factor, usage.outputTokens, price.output)
  const cacheReadNanoUsd = costOfKind(multipliers.cacheRead * factor, usage.cacheReadTokens, price.cacheRead)
  const write = multipliers.cacheWrite * factor
  const cacheWriteNanoUsd = costOfKind(write, writeTokens, price.cacheWrite, hourTokens, hourPrice(price))
  const totalNanoUsd = inputNanoUsd + outputNanoUsd + cacheWriteNanoUsd + cacheReadNanoUsd
  return { inputNanoUsd, outputNanoUsd, cacheWriteNanoUsd, cacheReadNanoUsd, totalNanoUsd }
}

const MILLION = 1_000_000
const HALF = MILLION / 2
const BILLION = 1_000_000_000
const EXACT_UNIT = BigInt(MILLION) * BigInt(BILLION)
const EXACT_HALF = EXACT_UNIT / 2n
/** The kinds together are still a number: an upstream that tells of 10^15 tokens cannot make an entry that no database takes. */
const MOST = BigInt(Math.floor(Number.MAX_SAFE_INTEGER / 4))

/** A sum of products below 2^53 is exact in numbers too, and takes a third of the time; nearly all are. */
function costOfKind(factor: number, tokens: number, price: number, hourTokens = 0, priceOfHour = 0): number {
  const millionths = tokens * price + hourTokens * priceOfHour + HALF
  if (factor === 1 && millionths < Number.MAX_SAFE_INTEGER) return Math.floor(millionths / MILLION)
  const exact = BigInt(tokens) * BigInt(price) + BigInt(hourTokens) * BigInt(priceOfHour)
  const cost = (exact * BigInt(Math.round(factor * BILLION)) + EXACT_HALF) / EXACT_UNIT
  return Number(cost < MOST ? cost : MOST)
}
