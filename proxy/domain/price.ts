import type { Outcome } from './entry.ts'

/** What a model costs, in nano-USD for a million tokens of each kind. Reasoning is output. */
export interface Price {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly output: number
}

/** By the name of the model. */
export type Prices = ReadonlyMap<string, Price>

/**
 * The price of a model; undefined is unpriced, which is not free. Where the name itself has none, the longest priced
 * name that it begins with counts: providers append dates and variants to the names of models.
 */
export function priceOf(model: string, prices: Prices): Price | undefined {
  if (prices.size === 0) return undefined
  for (let length = model.length; length > 0; length -= 1) {
    const price = prices.get(model.slice(0, length))
    if (price !== undefined) return price
  }
  return undefined
}

/**
 * What reading from and writing to a cache cost where nobody has said: a tenth and five quarters of the input, as with
 * Anthropic (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching). Nothing would be free.
 */
export function cachePrices(input: number): Pick<Price, 'cacheRead' | 'cacheWrite'> {
  return { cacheRead: Math.round(input / 10), cacheWrite: Math.round((input / 4) * 5) }
}

const MILLION = 1_000_000n
const HALF = MILLION / 2n
const MOST = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * What a call has cost, in nano-USD; null where nobody knows, since its model is unpriced or it was not counted in
 * tokens. Exact, and rounded once, half up: tokens times their price may be more than a number can hold. The result may
 * not: an upstream that tells of 10^15 tokens cannot make an entry that no database takes.
 */
export function costOf(
  { metering, usage }: Pick<Outcome, 'metering' | 'usage'>,
  price: Price | undefined,
): number | null {
  if (price === undefined || metering === 'unmetered') return null
  const millionths =
    BigInt(usage.inputTokens) * BigInt(price.input) +
    BigInt(usage.cacheReadTokens) * BigInt(price.cacheRead) +
    BigInt(usage.cacheWriteTokens) * BigInt(price.cacheWrite) +
    BigInt(usage.outputTokens) * BigInt(price.output)
  const cost = (millionths + HALF) / MILLION
  return Number(cost < MOST ? cost : MOST)
}
