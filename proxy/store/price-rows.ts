import type { Transaction } from 'sequelize'
import type { ModelPrice, Price, Prices } from '../domain/price.ts'
import { type Database, run, select, tableOf } from './database.ts'

interface PriceRow extends Price {
  readonly model: string
  readonly hour: number | null
  readonly description: string
  /** SQLite has no truth. */
  readonly exported: boolean | number
}

/** All prices, by the names of their models in order. */
export async function readPrices(database: Database, transaction?: Transaction): Promise<Prices> {
  const find = `SELECT model, input, cache_read AS "cacheRead", cache_write AS "cacheWrite", cache_write_1h AS hour, output,
      description, is_exported AS exported FROM ${tableOf(database, 'model_pricing')}`
  const rows = await select<PriceRow>(database, find, [], transaction)
  const prices = rows.map(({ model, hour, exported, ...price }): readonly [string, ModelPrice] => [
    model,
    { ...price, ...(hour !== null && { cacheWrite1h: hour }), isExported: Boolean(exported) },
  ])
  return new Map(prices.toSorted(([one], [other]) => (one < other ? -1 : 1))) // engines sort texts each in its way
}

/** What is said of a model besides its price; what is left out stays as it is. */
export type Listing = Partial<Pick<ModelPrice, 'description' | 'isExported'>>

/** In place of the price that the model had. */
export async function writePrice(
  database: Database,
  transaction: Transaction,
  model: string,
  { input, cacheRead, cacheWrite, cacheWrite1h, output, description, isExported }: Price & Listing,
): Promise<void> {
  const upsert = `INSERT INTO ${tableOf(database, 'model_pricing')} AS known
      (model, input, cache_read, cache_write, cache_write_1h, output, description, is_exported)
    VALUES ($1, $2, $3, $4, $5, $6, coalesce(CAST($7 AS TEXT), ''), coalesce(CAST($8 AS BOOLEAN), TRUE))
    ON CONFLICT (model) DO UPDATE SET input = excluded.input, cache_read = excluded.cache_read,
      cache_write = excluded.cache_write, cache_write_1h = excluded.cache_write_1h, output = excluded.output,
      description = coalesce(CAST($7 AS TEXT), known.description),
      is_exported = coalesce(CAST($8 AS BOOLEAN), known.is_exported)`
  const amounts = [input, cacheRead, cacheWrite, cacheWrite1h ?? null, output]
  await run(database, upsert, [model, ...amounts, description ?? null, isExported ?? null], transaction)
}
