import type { Key } from '../domain/key.ts'
import type { KeyUnit } from '../domain/lease.ts'
import { hourPrice, type Price } from '../domain/price.ts'
import { type ServiceTier, tierFactors } from '../domain/service-tier.ts'
import type { Estimate } from './estimate.ts'

/** How much of what a key may use, for what is limited. `defaultRpm` is for keys without one of their own. */
export function limitsOf(key: Key, defaultRpm: number | null): readonly (readonly [unit: KeyUnit, limit: number])[] {
  const limits: readonly (readonly [KeyUnit, number | null])[] = [
    ['requests', key.rpm ?? defaultRpm],
    ['tokens', key.tokenLimit],
    ['usd_5h', key.budget5h],
    ['usd_day', key.budgetDay],
    ['usd_month', key.budgetMonth],
  ]
  return limits.flatMap(([unit, limit]) => (limit === null ? [] : [[unit, limit] as const]))
}

const PER_PRICE = 1_000_000

/**
 * What a call that asks for this tier can cost at most, in nano-USD; undefined where its model has no price. Who asks for
 * a cheaper tier may be served in the standard one.
 */
export function upperCost(
  { inputUpper, outputUpper }: Estimate,
  price: Price | undefined,
  tier: ServiceTier,
): number | undefined {
  if (price === undefined) return undefined
  const input = Math.max(price.input, price.cacheRead, price.cacheWrite, hourPrice(price))
  const standard = (inputUpper * input + outputUpper * price.output) / PER_PRICE
  return Math.ceil(standard * Math.max(1, tierFactors[tier]))
}
