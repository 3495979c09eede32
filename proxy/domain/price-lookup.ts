import { longestPrefix } from './longest-prefix.ts'
import type { ModelPrice, Prices } from './price.ts'

/** As long as the name of a price may be. */
const MAX_NAME_CHARS = 255
const MAX_KNOWN = 1000

/**
 * Finds the price of a model; undefined is unpriced, which is not free. Where the name itself has none, the longest
 * priced name that it begins with counts: providers append dates and variants to the names of models. What was found is
 * remembered for the last thousand names, as long as they are names: callers may ask for anything.
 */
export function createPriceLookup(prices: Prices): (model: string) => ModelPrice | undefined {
  const known = new Map<string, ModelPrice | undefined>()
  const find = (model: string): ModelPrice | undefined => {
    const name = longestPrefix(model, prices.keys())
    return name === undefined ? undefined : prices.get(name)
  }
  return (model) => {
    if (model.length > MAX_NAME_CHARS) return find(model)
    const remembered = known.get(model)
    if (remembered !== undefined || known.has(model)) return remembered
    const price = find(model)
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? '')
    known.set(model, price)
    return price
  }
}

/** The price of a call, and whether it is that of the model that was asked for and not of the one that answered. */
export interface Pricing {
  readonly price: ModelPrice
  readonly isByRequestModel: boolean
}
