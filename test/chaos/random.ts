import { seededRandom } from '../support/load.ts'

/** Chance from a seed, so that a run that failed can be run again. */
export interface Random {
  /** Between 0 and 1. */
  next(): number
  chance(probability: number): boolean
  pick<T>(list: readonly [T, ...T[]]): T
}

export function createRandom(seed: number): Random {
  const next = seededRandom(seed)
  return {
    next,
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)] ?? list[0],
  }
}
