import type { Costs } from './price.ts'

/** What several attempts of a call have cost together; null where nobody knows what the last one did. */
export function sumOfCosts(last: Costs | null, before: readonly (Costs | null)[]): Costs | null {
  if (last === null) return null
  return before.reduce((sum: Costs, one) => (one === null ? sum : added(sum, one)), last)
}

function added(one: Costs, other: Costs): Costs {
  return {
    inputNanoUsd: one.inputNanoUsd + other.inputNanoUsd,
    outputNanoUsd: one.outputNanoUsd + other.outputNanoUsd,
    cacheWriteNanoUsd: one.cacheWriteNanoUsd + other.cacheWriteNanoUsd,
    cacheReadNanoUsd: one.cacheReadNanoUsd + other.cacheReadNanoUsd,
    totalNanoUsd: one.totalNanoUsd + other.totalNanoUsd,
  }
}
