import type { KeyUnit } from './lease.ts'

/** Where one limit of a key stands. */
export interface LimitStanding {
  readonly unit: KeyUnit
  readonly limit: number
  readonly left: number
  /** When the oldest spend leaves, or, once the limit is spent, when a call fits again. */
  readonly endsAt: number
}
