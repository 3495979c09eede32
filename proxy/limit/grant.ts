import type { LeaseAsk } from '../domain/lease.ts'

/** What a store knows of a limit when a replica asks. */
export interface LimitState {
  readonly used: number
  /** Live leases of other replicas. */
  readonly others: number
}

/**
 * How large a lease becomes. What is in flight or spent stays leased. What waits comes on top if it fits; where it
 * does not, whoever has nothing in flight while nobody else has a lease gets all that is left, for one call, which is
 * the only one that may go over. The store decides by the same rule, in SQL; a test compares.
 */
export function grantOf({ limit, base, wanted, spare }: LeaseAsk, { used, others }: LimitState): number {
  const left = limit - used - others - base
  if (wanted <= left) return base + wanted + Math.min(spare, left - wanted)
  if (others === 0 && base === 0 && used < limit) return limit - used
  return base
}
