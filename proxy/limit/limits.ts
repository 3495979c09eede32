import type { Key, KeyRecord, KeyUsage } from '../domain/key.ts'
import type { KeyUnit } from '../domain/lease.ts'
import { hourPrice, type Price } from '../domain/price.ts'
import { type ServiceTier, tierFactors } from '../domain/service-tier.ts'
import { type Tenant, tenantSubject } from '../domain/tenant.ts'
import type { Estimate } from './estimate.ts'
import type { Bucket } from './rolling-window.ts'

type Limits = 'rpm' | 'tokenLimit' | 'budget5h' | 'budgetDay' | 'budgetMonth'

/** A key with what it has used, or a tenant that stands as one. */
export interface Limited extends Pick<Key, Limits | 'budgetIsCalendar' | 'resetAt'> {
  /** As what it is counted. */
  readonly id: string
  readonly usage: KeyUsage
}

/** The tenant of a key, as one that has budgets and no other limits. */
export function limitedTenant(tenant: Tenant, { tenantCosts, usage: { replicas = 1 } }: KeyRecord): Limited {
  const usage = { lifetimeTokens: 0, lastUsedAt: null, minutes: [], replicas, ...tenantCosts }
  return { ...tenant, id: tenantSubject(tenant.id), rpm: null, tokenLimit: null, usage }
}

/** How much of what a key may use, for what is limited. `defaultRpm` is for keys without one of their own. */
export function limitsOf(
  key: Pick<Key, Limits>,
  defaultRpm: number | null,
): readonly (readonly [unit: KeyUnit, limit: number])[] {
  const limits: readonly (readonly [KeyUnit, number | null])[] = [
    ['requests', key.rpm ?? defaultRpm],
    ['tokens', key.tokenLimit],
    ['usd_5h', key.budget5h],
    ['usd_day', key.budgetDay],
    ['usd_month', key.budgetMonth],
  ]
  return limits.flatMap(([unit, limit]) => (limit === null ? [] : [[unit, limit] as const]))
}

/** What counts to a limit; requests are in no store of one process. */
export function bucketsOf(
  { minutes, costMinutes = [], costHours = [] }: Pick<KeyUsage, 'minutes' | 'costMinutes' | 'costHours'>,
  unit: KeyUnit,
): readonly Bucket[] {
  if (unit === 'tokens') return minutes
  if (unit === 'requests') return []
  return unit === 'usd_5h' ? costMinutes : costHours
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
