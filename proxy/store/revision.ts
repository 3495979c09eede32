import type { Transaction } from 'sequelize'
import { type Database, run, select, tableOf } from './database.ts'

/** The channel of PostgreSQL on which a change is told; its payload is the schema that has changed. */
export const CHANGE_CHANNEL = 'tollgate_config'

/** Rows of `settings` that nobody sets: how many changes there were, and how many of them left the keys as they were. */
export const REVISION = 'revision'
export const BESIDE_KEYS = 'revision_beside_keys'

export type Scope = 'all' | 'beside keys'

/** Tells every running proxy that its configuration has changed, when the transaction commits. */
export async function bumpRevision(database: Database, transaction: Transaction, scope: Scope = 'all'): Promise<void> {
  const table = tableOf(database, 'settings')
  const more = `UPDATE ${table} SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = $1`
  await run(database, more, [REVISION], transaction)
  if (scope === 'beside keys') {
    const first = `INSERT INTO ${table} (name, value) VALUES ($1, '0') ON CONFLICT (name) DO NOTHING`
    await run(database, first, [BESIDE_KEYS], transaction)
    await run(database, more, [BESIDE_KEYS], transaction)
  }
  if (database.schema !== undefined) {
    await run(database, 'SELECT pg_notify($1, $2)', [CHANGE_CHANNEL, database.schema], transaction)
  }
}

/** The question that tells whether there was a change. */
export function revisionQuery(database: Pick<Database, 'schema'>): string {
  return `SELECT value FROM ${tableOf(database, 'settings')} WHERE name = '${REVISION}'`
}

/**
 * Moves with every change that a key may depend on. A version before this one says of none of its changes that it left
 * the keys alone, so that nothing it changes is missed.
 */
export async function readKeyRevision(database: Database): Promise<string> {
  const both = `SELECT name, value FROM ${tableOf(database, 'settings')} WHERE name IN ($1, $2)`
  const rows = await select<{ name: string; value: string }>(database, both, [REVISION, BESIDE_KEYS])
  const of = (wanted: string): bigint => BigInt(rows.find(({ name }) => name === wanted)?.value ?? 0)
  return String(of(REVISION) - of(BESIDE_KEYS))
}

export async function readRevision(database: Database): Promise<string> {
  const [row] = await select<{ value: string }>(database, revisionQuery(database))
  return row?.value ?? ''
}
