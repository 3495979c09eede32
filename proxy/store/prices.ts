import { type Price, type Prices, priceOf } from '../domain/price.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { bumpRevision } from './revision.ts'

/** What administrators do with prices. Every method throws `StoreError`. */
export interface PriceStore {
  /** All of them, by the names of their models in order. */
  list(): Promise<Prices>
  /** In place of the price that the model had. */
  set(model: string, price: Price): Promise<void>
  /** Answers whether the model had a price. */
  remove(model: string): Promise<boolean>
}

/** The prices in memory. Before the first `reload` every model is unpriced. */
export interface PriceBook {
  /** Reads them again; after a failure those before stay. */
  reload(): Promise<void>
  /** Reads them if that never worked. */
  readOnce(): Promise<void>
  /** The price of a call's model; undefined where it has none. */
  priceOf(model: string | null): Price | undefined
}

export function createPriceStore(database: Database): PriceStore {
  const table = tableOf(database, 'model_pricing')
  const told = <T>(operation: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => Promise.reject(storeError(operation, error)))

  const find = `SELECT model, input, cache_read AS "cacheRead", cache_write AS "cacheWrite", output FROM ${table}`
  return {
    async list() {
      const rows = await told('read the prices', select<Price & { readonly model: string }>(database, find))
      const prices = rows.map(({ model, ...price }) => [model, price] as const)
      return new Map(prices.toSorted(([one], [other]) => (one < other ? -1 : 1))) // engines sort texts each in its way
    },

    set: (model, { input, cacheRead, cacheWrite, output }) =>
      told(
        'set a price',
        database.write(async (transaction) => {
          const upsert = `INSERT INTO ${table} (model, input, cache_read, cache_write, output) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (model) DO UPDATE SET input = excluded.input, cache_read = excluded.cache_read,
              cache_write = excluded.cache_write, output = excluded.output`
          await run(database, upsert, [model, input, cacheRead, cacheWrite, output], transaction)
          await bumpRevision(database, transaction)
        }),
      ),

    remove: (model) =>
      told(
        'remove a price',
        database.write(async (transaction) => {
          const removed = `DELETE FROM ${table} WHERE model = $1 RETURNING model`
          if ((await select(database, removed, [model], transaction)).length === 0) return false
          await bumpRevision(database, transaction)
          return true
        }),
      ),
  }
}

export function createPriceBook({ list }: Pick<PriceStore, 'list'>): PriceBook {
  let prices: Prices = new Map()
  let isRead = false
  const reload = async (): Promise<void> => {
    prices = await list()
    isRead = true
  }
  return {
    reload,
    readOnce: () => (isRead ? Promise.resolve() : reload()),
    priceOf: (model) => (model === null ? undefined : priceOf(model, prices)),
  }
}
