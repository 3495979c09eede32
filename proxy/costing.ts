import type { Send } from './attempts.ts'
import type { Outcome } from './domain/entry.ts'
import { type Costs, costsOf } from './domain/price.ts'
import { multipliersFor } from './domain/price-multipliers.ts'
import type { PriceBook } from './store/prices.ts'

export type Costing = (measured: Pick<Outcome, 'metering' | 'usage' | 'told'>, sent: Send) => Costs | null

/** What an attempt has cost: by the model that answered, at the channel's prices and in the tier that it was served in. */
export function createCosting(prices: PriceBook | undefined): Costing {
  return ({ metering, usage, told }, { channel, model }) => {
    const pricing = prices?.priceFor(told.model, model ?? null)
    const multipliers = multipliersFor(told.model ?? model ?? '', channel.priceMultipliers)
    return costsOf({ metering, usage }, pricing?.price, multipliers, told.serviceTier ?? 'standard')
  }
}
