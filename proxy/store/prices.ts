import { createPriceLookup, type Pricing } from '../domain/price-lookup.ts'
import type { ModelPrice, Price, Prices } from '../domain/price.ts'
import { changeBesideKeys, told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { type DefaultsLoaded, loadDefaults, type WhichDefaults } from './load-defaults.ts'
import { type Listing, readPrices, writePrice } from './price-rows.ts'
import { replacePrices } from './replace-prices.ts'

/** What administrators do with prices. Every method throws `StoreError`, and `RevisionConflict` where one is expected. */
export interface PriceStore {
  /** All of them, by the names of their models in order. */
  list(): Promise<Prices>
  /** In place of the price that the model had; what is not said of its listing stays. */
  set(model: string, price: Price & Listing, expectedRevision?: string): Promise<void>
  /** Answers whether the model had a price. */
  remove(model: string, expectedRevision?: string): Promise<boolean>
  /** In place of all there are. */
  replaceAll(prices: Prices, expectedRevision?: string): Promise<void>
  /** Takes prices from the list that comes with the program; a dry run only tells which. */
  loadDefaults(which: WhichDefaults, isDryRun?: boolean): Promise<DefaultsLoaded>
}

/** The prices in memory. Before the first `load` every model is unpriced. */
export interface PriceBook {
  load(prices: Prices): void
  /** The names of the models that may be listed. */
  listed(): readonly string[]
  /** The price of a call's model; undefined where it has none. */
  priceOf(model: string | null): ModelPrice | undefined
  /** The price of the model that answered or, where it has none, of the one that was asked for. */
  priceFor(responseModel: string | null, requestModel: string | null): Pricing | undefined
}

export function createPriceStore(database: Database): PriceStore {
  const table = tableOf(database, 'model_pricing')
  return {
    list: () => told('read the prices', readPrices(database)),

    set: (model, price, expectedRevision) =>
      changeBesideKeys(database, 'set a price', expectedRevision, (transaction) =>
        writePrice(database, transaction, model, price),
      ),

    remove: (model, expectedRevision) =>
      changeBesideKeys(database, 'remove a price', expectedRevision, async (transaction) => {
        const removed = `DELETE FROM ${table} WHERE model = $1 RETURNING model`
        return (await select(database, removed, [model], transaction)).length > 0
      }),

    replaceAll: (prices, expectedRevision) => replacePrices(database, prices, expectedRevision),

    loadDefaults: (which, isDryRun = false) => loadDefaults(database, which, isDryRun),
  }
}

export function createPriceBook(): PriceBook {
  let find = createPriceLookup(new Map())
  let listed: readonly string[] = []
  const priceOf = (model: string | null): ModelPrice | undefined => (model === null ? undefined : find(model))
  return {
    load(prices) {
      find = createPriceLookup(prices)
      listed = [...prices].filter(([, { isExported }]) => isExported).map(([model]) => model)
    },
    listed: () => listed,
    priceOf,
    priceFor(responseModel, requestModel) {
      const own = priceOf(responseModel)
      const price = own ?? priceOf(requestModel)
      return price && { price, isByRequestModel: own === undefined }
    },
  }
}
