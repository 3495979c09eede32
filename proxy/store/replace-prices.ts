import type { Transaction } from 'sequelize'
import type { Prices } from '../domain/price.ts'
import { changeBesideKeys } from './config-change.ts'
import { type Database, run, tableOf } from './database.ts'
import { writePrice } from './price-rows.ts'

/** Makes these all the prices there are. Throws `StoreError`, and `RevisionConflict` where one is expected. */
export function replacePrices(database: Database, prices: Prices, expectedRevision?: string): Promise<void> {
  return changeBesideKeys(database, 'replace the prices', expectedRevision, (transaction) =>
    writePrices(database, transaction, prices),
  )
}

/** The same in a transaction of a change. */
export async function writePrices(database: Database, transaction: Transaction, prices: Prices): Promise<void> {
  await run(database, `DELETE FROM ${tableOf(database, 'model_pricing')}`, [], transaction)
  for (const [model, price] of prices) await writePrice(database, transaction, model, price)
}
