/** Numbers from 0 to below 1, the same ones in every run: mulberry32. */
export function createChance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** In another order. */
export function shuffled<T>(values: readonly T[], chance: () => number): readonly T[] {
  return values
    .map((value) => [chance(), value] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, value]) => value)
}
