import type { Client } from 'pg'
import { type QueryOptions, QueryTypes, type Sequelize, type Transaction } from 'sequelize'
import type { DatabasePing } from '../domain/database-ping.ts'
import { storeError } from './engine-errors.ts'

export type Engine = 'postgres' | 'sqlite'
export type Bind = readonly (string | number | boolean | Buffer | null)[]

/** One database behind Sequelize. What differs between the engines is decided by `engine`, in one place per question. */
export interface Database {
  readonly engine: Engine
  readonly sequelize: Sequelize
  /** The schema of PostgreSQL in which all our tables are; undefined for SQLite. */
  readonly schema: string | undefined
  /** Whether a session keeps what is prepared in it: behind a transaction pooler it is another one each time. */
  readonly hasSessions: boolean
  /** Runs `work` in a transaction. SQLite's takes the write lock at its start: a later upgrade could deadlock. */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A table's name in SQL. Qualified always: a pooled connection has no search_path of its own (PgBouncer). */
export function tableOf({ schema }: Pick<Database, 'schema'>, name: string): string {
  return schema === undefined ? name : `"${schema}".${name}`
}

/** The rows of a query. Within no transaction it is one statement, without BEGIN and COMMIT. */
export function select<Row extends object>(
  { sequelize }: Database,
  sql: string,
  bind: Bind = [],
  transaction?: Transaction,
): Promise<Row[]> {
  return sequelize.query<Row>(sql, { ...optionsOf(bind, transaction), type: QueryTypes.SELECT })
}

/**
 * The rows of a query of PostgreSQL that each session parses and plans once. Sequelize has no prepared statements, so
 * this borrows a connection of its pool; for a text that is long and comes often.
 */
export async function selectPrepared<Row extends object>(
  { sequelize }: Database,
  name: string,
  sql: string,
  bind: Bind,
): Promise<Row[]> {
  const { connectionManager } = sequelize as unknown as { connectionManager: ConnectionManager } // safe: Sequelize 6 has it
  const connection = await connectionManager.getConnection({ type: 'WRITE' })
  try {
    return (await connection.query<Row>({ name, text: sql, values: [...bind] })).rows
  } catch (error) {
    // As Sequelize does; one that breaks tells the pool by itself.
    if (error instanceof Error && error.message === 'Query read timeout') Object.assign(connection, { _invalid: true })
    throw error
  } finally {
    connectionManager.releaseConnection(connection)
  }
}

interface ConnectionManager {
  getConnection(options: { readonly type: 'WRITE' }): Promise<Client>
  releaseConnection(connection: Client): void
}

/** A statement whose rows nobody wants. */
export async function run(
  { sequelize }: Database,
  sql: string,
  bind: Bind = [],
  transaction?: Transaction,
): Promise<void> {
  await sequelize.query(sql, optionsOf(bind, transaction))
}

function optionsOf(bind: Bind, transaction: Transaction | undefined): Pick<QueryOptions, 'bind' | 'transaction'> {
  return { ...(bind.length > 0 && { bind: [...bind] }), ...(transaction && { transaction }) }
}

/** Asks the database for nothing, and how long it took. Never throws. */
export async function ping(database: Database): Promise<DatabasePing> {
  const start = performance.now()
  const elapsed = (): number => Math.round(performance.now() - start)
  const type = database.engine
  try {
    await run(database, 'SELECT 1')
    return { type, responseTimeMs: elapsed() }
  } catch (error) {
    return { type, responseTimeMs: elapsed(), error: storeError('ping', error).message }
  }
}
