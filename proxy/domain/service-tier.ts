/** How an upstream processed a call, which the price goes by. */
export type ServiceTier = 'standard' | 'priority' | 'ultrafast' | 'flex'

/** What a tier's prices are of the standard ones. `docs/prices.md` names the providers' documents. */
export const tierFactors: Readonly<Record<ServiceTier, number>> = { standard: 1, priority: 2, ultrafast: 6, flex: 0.5 }

/** As providers name them. A request may ask for another tier than it gets, and pays for what it got. */
const names: Readonly<Record<string, ServiceTier>> = {
  priority: 'priority',
  fast: 'priority',
  ultrafast: 'ultrafast',
  flex: 'flex',
  batch: 'flex',
}

/**
 * The tier that an answer tells of, or a request asks for: by its `service_tier`, as OpenAI does, or by `speed` and `service_tier` of its usage
 * object (`speed` of the request), as Anthropic does. Anthropic's own `priority` is capacity that was paid for in advance, at the standard price.
 */
export function serviceTierOf(tier: unknown, usage: unknown): ServiceTier {
  const { speed, service_tier: ofUsage } = (usage ?? {}) as Readonly<Record<string, unknown>> // safe: read only
  if (speed === 'fast') return 'priority'
  if (ofUsage === 'batch') return 'flex'
  return typeof tier === 'string' && Object.hasOwn(names, tier) ? (names[tier] ?? 'standard') : 'standard'
}
