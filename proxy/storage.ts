import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { markSecret } from './auth/secret.ts'
import type { Config } from './config.ts'
import type { AuditStore } from './domain/audit.ts'
import type { BlockStore } from './domain/address-block.ts'
import type { Cipher } from './domain/cipher.ts'
import type { Bank } from './domain/lease.ts'
import type { Store } from './domain/store.ts'
import { StoreError } from './domain/store-error.ts'
import { createAuditStore } from './store/audit.ts'
import { createBlockStore } from './store/auth-blocks.ts'
import { type Configuration, createConfiguration } from './store/configuration.ts'
import type { Database } from './store/database.ts'
import { createDatabaseStore } from './store/database-store.ts'
import { storeError } from './store/engine-errors.ts'
import { createFileStore } from './store/file/file-store.ts'
import { createKeyStore, type KeyStore } from './store/keys.ts'
import { countReplicas, createBank } from './store/leases.ts'
import { migrate, migrationNames, verifySchema } from './store/migrate.ts'
import type { OnWait } from './store/operation-lock.ts'
import { openPostgres, type PostgresSettings } from './store/postgres.ts'
import { createPriceStore, type PriceStore } from './store/prices.ts'
import { readRemovedBefore } from './store/retention.ts'
import { NO_RETRY, type RetrySettings } from './store/retry.ts'
import type { SnapshotSource } from './store/snapshot-file.ts'
import { openSqlite } from './store/sqlite.ts'
import { createTurns } from './store/turns.ts'

export interface Storage {
  readonly type: 'postgres' | 'sqlite' | 'file'
  readonly store: Store
  /** For administrators; a key file has none. */
  readonly keys: KeyStore | undefined
  /** Likewise. */
  readonly prices: PriceStore | undefined
  /** Likewise. */
  readonly audit: AuditStore | undefined
  /** Of addresses that send wrong keys. Likewise. */
  readonly blocks: BlockStore | undefined
  /** Likewise. */
  readonly configuration: ((cipher: Cipher) => Configuration) | undefined
  /** Entries with lesser ids may have been counted and removed since. Throws `StoreError`. */
  readonly removedBefore: () => Promise<string>
  /** Where it is, for people. */
  readonly location: string
  /** What a snapshot of its keys has to be of. */
  readonly source: SnapshotSource
  readonly pollIntervalMs: number
  /** How many processes have been at it within the last hour and not ended in peace. Throws `StoreError`. */
  readonly replicas: () => Promise<number>
  /** Where replicas share the limits: what this one, by the ULID of its boot, borrows from. */
  readonly bankOf: ((boot: string) => Bank) | undefined
}

interface StorageEvents {
  readonly onRetry: RetrySettings['onRetry']
  /** Another process migrates, backs up or restores. */
  readonly onWait: OnWait
}

const SILENT: StorageEvents = { onRetry: () => {}, onWait: () => {} }

/** Opens what the configuration names. PostgreSQL is not connected before `store.initialise()`. Throws `StoreError`. */
export function openStorage(config: Config, events = SILENT): Promise<Storage> {
  const type = storageType(config)
  if (type === 'file') return Promise.resolve(fileStorage(config))
  return type === 'postgres' ? postgresStorage(config, events) : sqliteStorage(config, events)
}

/** The variable that says where the storage is. */
export function storageVariable(config: Config): 'DATABASE_URL' | 'DATABASE_PATH' | 'DATA_FILE' {
  return ({ postgres: 'DATABASE_URL', sqlite: 'DATABASE_PATH', file: 'DATA_FILE' } as const)[storageType(config)]
}

/** The file where it was asked for, or where it alone is there; else the database that has been named. */
function storageType(config: Config): Storage['type'] {
  if (config.STORAGE_TYPE === 'file') return 'file'
  if (config.DATABASE_URL !== undefined) return 'postgres'
  if (config.STORAGE_TYPE === 'database' || config.DATABASE_PATH !== undefined) return 'sqlite'
  if (config.DATA_FILE !== undefined) return 'file'
  return existsSync(keyFile(config)) && !existsSync(sqliteFile(config)) ? 'file' : 'sqlite'
}

function keyFile(config: Config): string {
  return config.DATA_FILE ?? join(config.DATA_DIR, 'apikeys.json')
}

function sqliteFile(config: Config): string {
  return config.DATABASE_PATH ?? join(config.DATA_DIR, 'tollgate.db')
}

function fileStorage(config: Config): Storage {
  const location = keyFile(config)
  return {
    type: 'file',
    store: createFileStore(location, { markSecret }),
    keys: undefined,
    prices: undefined,
    audit: undefined,
    blocks: undefined,
    configuration: undefined,
    removedBefore: () => Promise.resolve(''),
    location,
    source: sourceOf(location),
    pollIntervalMs: config.CONFIG_POLL_INTERVAL_MS ?? 250,
    replicas: () => Promise.resolve(1),
    bankOf: undefined,
  }
}

async function sqliteStorage(config: Config, { onRetry }: StorageEvents): Promise<Storage> {
  const location = sqliteFile(config)
  const database = await openFile(location)
  return {
    type: 'sqlite',
    store: createDatabaseStore({
      database,
      retry: retrySettings(config, onRetry),
      initialise: () => (config.SKIP_MIGRATION ? verifySchema(database) : migrate(database).then(() => undefined)),
    }),
    keys: createKeyStore(database),
    prices: createPriceStore(database),
    audit: createAuditStore(database),
    blocks: createBlockStore(database),
    configuration: (cipher) => createConfiguration(database, cipher),
    removedBefore: () => readRemovedBefore(database),
    location,
    source: sourceOf(location),
    pollIntervalMs: config.CONFIG_POLL_INTERVAL_MS ?? 250,
    replicas: () => Promise.resolve(1),
    bankOf: undefined,
  }
}

async function openFile(path: string): Promise<Database> {
  try {
    // Key hashes and usage are nobody else's on this machine.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return await openSqlite(path)
  } catch (error) {
    throw storeError('open the database', error)
  }
}

async function postgresStorage(config: Config, { onRetry, onWait }: StorageEvents): Promise<Storage> {
  const pooled = postgresSettings(config)
  const direct = directSettings(config)
  const database = await openPostgres(pooled)
  const alone = createTurns()
  const { host, pathname } = new URL(pooled.url)
  return {
    type: 'postgres',
    store: createDatabaseStore({
      database,
      retry: retrySettings(config, onRetry),
      initialise: () => (config.SKIP_MIGRATION ? verifySchema(database) : migratePostgres(config, onWait)),
      direct,
      alone,
    }),
    keys: createKeyStore(database),
    prices: createPriceStore(database),
    audit: createAuditStore(database),
    blocks: createBlockStore(database),
    configuration: (cipher) => createConfiguration(database, cipher),
    removedBefore: () => readRemovedBefore(database),
    location: `${host}${pathname}, schema ${pooled.schema}`,
    source: sourceOf(`${host}${pathname} ${pooled.schema}`),
    pollIntervalMs: config.CONFIG_POLL_INTERVAL_MS ?? 5000,
    replicas: () => countReplicas(database),
    bankOf: (boot) => createBank(database, boot, alone),
  }
}

/** Brings the schema of PostgreSQL up to date, over a connection of its own. */
async function migratePostgres(config: Config, onWait: OnWait): Promise<void> {
  const { database } = await openForSchema(config, true)
  try {
    await migrate(database, onWait)
  } finally {
    await database.close()
  }
}

/**
 * The database alone, connected so that its schema can be changed: without a time limit, and not through a pooler.
 * `mayCreate` makes an SQLite file that is not there; else an empty database stands for it.
 */
export async function openForSchema(
  config: Config,
  mayCreate: boolean,
): Promise<{ readonly database: Database; readonly location: string }> {
  const type = storageType(config)
  if (type === 'file') throw needsDatabase()
  if (type === 'sqlite') {
    const location = sqliteFile(config)
    return {
      database: await (mayCreate || existsSync(location) ? openFile(location) : openSqlite(':memory:')),
      location,
    }
  }
  const settings = directSettings(config)
  const applicationName = `${settings.applicationName} schema up on ${hostname()}`.slice(0, 63)
  const pool = { ...settings.pool, max: 2 } // the lock has one, the migrations the other
  const database = await openPostgres({ ...settings, applicationName, statementTimeoutMs: 0, pool })
  const { host, pathname } = new URL(settings.url)
  return { database, location: `${host}${pathname}, schema ${settings.schema}` }
}

export function needsDatabase(): StoreError {
  const message =
    'DATA_FILE: a key file has no such thing; edit it, or import it into a database (DATABASE_URL or DATABASE_PATH).'
  return new StoreError('query', message, { operation: 'use the key file' })
}

function postgresSettings(config: Config): PostgresSettings {
  return {
    url: config.DATABASE_URL ?? '',
    schema: config.DB_SCHEMA,
    sslMode: config.DB_SSLMODE,
    sslRootCert: config.DB_SSLROOTCERT,
    applicationName: config.DB_APPLICATION_NAME,
    connectTimeoutMs: config.POOL_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
    pool: { max: config.POOL_MAX_CONNECTIONS, idleMs: config.POOL_IDLE_TIMEOUT_MS },
    isPooler: config.DATABASE_DIRECT_URL !== undefined,
  }
}

function directSettings(config: Config): PostgresSettings {
  const settings = postgresSettings(config)
  return { ...settings, url: config.DATABASE_DIRECT_URL ?? settings.url, isPooler: false }
}

/** `DB_RETRY_*`. */
export function retrySettings(config: Config, onRetry?: RetrySettings['onRetry']): RetrySettings {
  return {
    ...NO_RETRY,
    max: config.DB_RETRY_MAX,
    delayMs: config.DB_RETRY_DELAY_MS,
    backoff: config.DB_RETRY_BACKOFF,
    maxDelayMs: config.DB_RETRY_MAX_DELAY_MS,
    ...(onRetry && !config.DB_RETRY_SILENT && { onRetry }),
  }
}

function sourceOf(location: string): SnapshotSource {
  return { database: createHash('sha256').update(location).digest('hex'), schema: migrationNames.at(-1) ?? '' }
}
