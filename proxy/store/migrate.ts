import type { QueryInterface, TableNameWithSchema, Transaction } from 'sequelize'
import type { UmzugStorage } from 'umzug'
import { StoreError } from '../domain/store-error.ts'
import { type Database, type Engine, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { initial } from './migrations/0001-initial.ts'
import { usageStats } from './migrations/0002-usage-stats.ts'
import { limits } from './migrations/0003-limits.ts'
import { channels } from './migrations/0004-channels.ts'
import { tenants } from './migrations/0005-tenants.ts'
import { logs } from './migrations/0006-logs.ts'
import { tenantBudgets } from './migrations/0007-tenant-budgets.ts'
import { configBackups } from './migrations/0008-config-backups.ts'
import { requestBodies } from './migrations/0009-request-bodies.ts'
import { liftTimeLimits, type OnWait, withOperationLock } from './operation-lock.ts'
import { type AppliedMigration, numberOf, readMigrations, type SchemaStanding, schemaStanding } from './schema.ts'

/** What a migration works with: everything it does has to be in `transaction`. */
interface SchemaEditor {
  readonly engine: Engine
  readonly query: QueryInterface
  /** Every table is named through it, since PostgreSQL's are in a schema. */
  readonly table: (name: string) => TableNameWithSchema
  readonly transaction: Transaction
}

export interface Migration {
  /** `NNNN-what-it-does`. */
  readonly name: string
  /** The oldest schema number whose program may still use the result. */
  readonly minReader: number
  readonly up: (editor: SchemaEditor) => Promise<void>
}

/** Append-only: a migration that was released is never edited. */
const migrations: readonly Migration[] = [
  initial,
  usageStats,
  limits,
  channels,
  tenants,
  logs,
  tenantBudgets,
  configBackups,
  requestBodies,
]
export const migrationNames: readonly string[] = migrations.map(({ name }) => name)
/** The number of the last migration that this program knows. */
export const ownSchema = numberOf(migrationNames.at(-1) ?? '0')

/** How often SQLite's lock is waited for, five seconds each: of many processes that migrate one file the last needs more. */
const TURNS = 12

interface Schema {
  readonly applied: readonly AppliedMigration[]
  readonly standing: SchemaStanding
}

/** What has been applied, and how this program stands to it. Changes nothing. Throws `StoreError`. */
export function readSchema(database: Database): Promise<Schema> {
  return schemaOf(database).catch((error: unknown) => Promise.reject(storeError('read the schema', error)))
}

async function schemaOf(database: Database): Promise<Schema> {
  const applied = await readMigrations(database)
  return { applied, standing: schemaStanding(applied, migrationNames) }
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Answers the names of those that ran.
 * `database` is connected directly, since a lock is held over several transactions. Throws `StoreError`.
 */
export async function migrate(database: Database, onWait: OnWait = () => {}): Promise<readonly string[]> {
  try {
    if (!(await needsMigration(database))) return []
    return await withOperationLock(database, onWait, () => runMigrations(database))
  } catch (error) {
    throw storeError('migrate the schema', error)
  }
}

/** Throws `StoreError` unless this program can use the schema as it is; `SchemaBehind` where `schema up` would help. */
export async function verifySchema(database: Database): Promise<void> {
  if (await needsMigration(database).catch((error: unknown) => Promise.reject(storeError('read the schema', error)))) {
    throw new SchemaBehind()
  }
}

async function needsMigration(database: Database): Promise<boolean> {
  const { standing } = await schemaOf(database)
  if (standing.kind === 'too-new') throw new SchemaTooNew(standing.minReader)
  if (database.engine === 'sqlite') await useWal(database)
  return standing.kind === 'behind'
}

/**
 * WAL lets readers go on while the ledger commits (https://www.sqlite.org/wal.html). It is written into the file, so not
 * before we know that the file is ours.
 */
async function useWal(database: Database): Promise<void> {
  const [mode] = await select<{ journal_mode: string }>(database, 'PRAGMA journal_mode')
  if (mode?.journal_mode !== 'wal') await run(database, 'PRAGMA journal_mode = WAL')
}

/** The schema lacks what this program needs. */
export class SchemaBehind extends StoreError {
  constructor() {
    super('query', 'the schema is older than this program needs; run tollgate schema up.', {
      operation: 'read the schema',
      isTransient: true,
    })
  }
}

/** This program is too old for its database. */
export class SchemaTooNew extends StoreError {
  constructor(minReader: number) {
    super(
      'query',
      `the schema is for programs of schema ${minReader} and later, and this one is of ${ownSchema}; install the newer version, or restore a backup from before its migration.`,
      { operation: 'read the schema' },
    )
  }
}

async function runMigrations(database: Database): Promise<readonly string[]> {
  // Another process may have migrated while we waited for the lock, and further than this program can follow.
  if (!(await needsMigration(database))) return []
  const { MigrationError, Umzug } = await import('umzug') // 7 MB that the usual start does not need
  const storage: UmzugStorage = {
    executed: async () => (await readMigrations(database)).map(({ name }) => name),
    logMigration: async () => {}, // each migration has recorded itself
    unlogMigration: async () => {},
  }
  const ran: string[] = []
  const umzug = new Umzug({
    logger: undefined,
    storage,
    migrations: migrations.map((migration) => ({
      name: migration.name,
      up: async () => {
        if (await applyInTurn(database, migration)) ran.push(migration.name)
      },
    })),
  })
  await umzug.up().catch((error: unknown) => {
    throw error instanceof MigrationError ? storeError(`run ${error.migration.name}`, error.cause) : error
  })
  return ran
}

async function applyInTurn(database: Database, migration: Migration, turns = TURNS): Promise<boolean> {
  return apply(database, migration).catch((error: unknown) => {
    if (turns === 1 || storeError(`run ${migration.name}`, error).code !== 'SQLITE_BUSY') throw error
    return applyInTurn(database, migration, turns - 1)
  })
}

/** Recorded in the migration's own transaction: what is half done is not there at all. */
function apply(database: Database, { name, minReader, up }: Migration): Promise<boolean> {
  const recorded = tableOf(database, 'schema_migrations')
  const { engine, schema, sequelize } = database
  return database.write(async (transaction) => {
    if (engine === 'postgres') await liftTimeLimits(database, transaction)
    if (name === migrationNames[0]) await makeRecords(database, transaction)
    const rows = await select(database, `SELECT name FROM ${recorded} WHERE name = $1`, [name], transaction)
    if (rows.length > 0) return false // another process was faster
    const table = (tableName: string): TableNameWithSchema => ({ tableName, ...(schema !== undefined && { schema }) })
    await up({ engine, query: sequelize.getQueryInterface(), table, transaction })
    const record = `INSERT INTO ${recorded} (name, min_reader, applied_at) VALUES ($1, $2, $3)`
    await run(database, record, [name, minReader, Date.now()], transaction)
    return true
  })
}

/** The schema, where an administrator has not made it already for a user who may not, and the table of what was applied. */
async function makeRecords(database: Database, transaction: Transaction): Promise<void> {
  const { schema } = database
  if (schema !== undefined) {
    const found = await select(database, 'SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema], transaction)
    if (found.length === 0) await run(database, `CREATE SCHEMA "${schema}"`, [], transaction)
  }
  await run(
    database,
    `CREATE TABLE IF NOT EXISTS ${tableOf(database, 'schema_migrations')} (name VARCHAR(255) PRIMARY KEY, min_reader INTEGER NOT NULL, applied_at BIGINT NOT NULL)`,
    [],
    transaction,
  )
}
