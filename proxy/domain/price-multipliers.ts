import type { PriceMultipliers } from './channel.ts'
import { longestPrefix } from './longest-prefix.ts'

export const UNMULTIPLIED: PriceMultipliers = { input: 1, output: 1, cacheWrite: 1, cacheRead: 1 }

const DEFAULT = '_default'

/** What a channel's prices of a model are of the listed ones: by its name or the longest beginning of it, times `_default`. */
export function multipliersFor(model: string, all: Readonly<Record<string, PriceMultipliers>>): PriceMultipliers {
  const names = Object.keys(all)
  if (names.length === 0) return UNMULTIPLIED
  const name = longestPrefix(
    model,
    names.filter((one) => one !== DEFAULT),
  )
  const own = (name === undefined ? undefined : all[name]) ?? UNMULTIPLIED
  const general = Object.hasOwn(all, DEFAULT) ? (all[DEFAULT] ?? UNMULTIPLIED) : UNMULTIPLIED
  return {
    input: product(own.input, general.input),
    output: product(own.output, general.output),
    cacheWrite: product(own.cacheWrite, general.cacheWrite),
    cacheRead: product(own.cacheRead, general.cacheRead),
  }
}

/** A multiplier of 0 is one that nobody has filled in. */
function product(one: number, other: number): number {
  return (one === 0 ? 1 : one) * (other === 0 ? 1 : other)
}
