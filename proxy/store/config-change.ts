import { type Transaction, UniqueConstraintError } from 'sequelize'
import { ConfigRefusal, RevisionConflict } from '../domain/config-refusal.ts'
import { type Database, select } from './database.ts'
import { storeError } from './engine-errors.ts'
import { bumpRevision, revisionQuery, type Scope } from './revision.ts'

/**
 * Changes the configuration in one transaction and tells the running proxies, unless `work` answers false: then nothing
 * was to be changed. The revision is locked before anything else: changes come one after the other, so none can meet a
 * revision that another is about to make, and no two wait for one another.
 */
export function changeConfig<T>(
  database: Database,
  operation: string,
  expectedRevision: string | undefined,
  work: (transaction: Transaction) => Promise<T>,
  scope?: Scope,
): Promise<T> {
  return told(
    operation,
    database.write(async (transaction) => {
      const lock = database.engine === 'postgres' ? ' FOR UPDATE' : '' // SQLite's transaction has begun with its lock
      const locked = `${revisionQuery(database)}${lock}`
      const [row] = await select<{ value: string }>(database, locked, [], transaction)
      if (expectedRevision !== undefined && row?.value !== expectedRevision) throw new RevisionConflict()
      const result = await work(transaction)
      if (result !== false) await bumpRevision(database, transaction, scope)
      return result
    }),
  )
}

/** The same of what no key depends on, so that running proxies need not read the keys again. */
export function changeBesideKeys<T>(
  database: Database,
  operation: string,
  expectedRevision: string | undefined,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return changeConfig(database, operation, expectedRevision, work, 'beside keys')
}

/** Errors of an engine as `StoreError`; refusals stay what they are. */
export async function told<T>(operation: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof ConfigRefusal ? error : storeError(operation, error)
  }
}

/** Whether a row cannot be written because another has the same `column`, alone or with others. */
export function isTaken(error: unknown, column: string): boolean {
  return error instanceof UniqueConstraintError && error.errors.some(({ path }) => path === column)
}
