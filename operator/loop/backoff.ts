export interface BackoffRange {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * How long to wait after so many failures in a row: twice as long each time, and between half and all of it by chance
 * (0 ≤ `chance` < 1), so that those who failed together do not come back together.
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffRange, chance: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30))
  return Math.max(minMs, full * (0.5 + chance / 2))
}
