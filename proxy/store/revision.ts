import type { Transaction } from 'sequelize'
import { type Database, run, select, tableOf } from './database.ts'

/** The channel of PostgreSQL on which a change is told; its payload is the schema that has changed. */
export const CHANGE_CHANNEL = 'tollgate_config'

/** Tells every running proxy that its configuration has changed, when the transaction commits. */
export async function bumpRevision(database: Database, transaction: Transaction): Promise<void> {
  await run(
    database,
    `UPDATE ${tableOf(database, 'settings')} SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'revision'`,
    [],
    transaction,
  )
  if (database.schema !== undefined) {
    await run(database, 'SELECT pg_notify($1, $2)', [CHANGE_CHANNEL, database.schema], transaction)
  }
}

/** The question that tells whether there was a change. */
export function revisionQuery(database: Pick<Database, 'schema'>): string {
  return `SELECT value FROM ${tableOf(database, 'settings')} WHERE name = 'revision'`
}

export async function readRevision(database: Database): Promise<string> {
  const [row] = await select<{ value: string }>(database, revisionQuery(database))
  return row?.value ?? ''
}
