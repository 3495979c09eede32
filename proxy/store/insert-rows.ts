import type { Transaction } from 'sequelize'
import { type Bind, type Database, run, tableOf } from './database.ts'

/** A statement takes a bounded number of values: SQLite 32 766, PostgreSQL 65 535. */
const ROWS_A_STATEMENT = 500

/** Inserts rows that all have the columns of the first. */
export async function insertRows(
  database: Database,
  table: string,
  rows: readonly Readonly<Record<string, Bind[number]>>[],
  transaction: Transaction,
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
    const bind: Bind[number][] = []
    const tuples = rows.slice(at, at + ROWS_A_STATEMENT).map((row) => {
      const places = columns.map((column) => `$${bind.push(row[column] ?? null)}`)
      return `(${places.join(', ')})`
    })
    const insert = `INSERT INTO ${tableOf(database, table)} (${columns.join(', ')}) VALUES ${tuples.join(', ')}`
    await run(database, insert, bind, transaction)
  }
}
