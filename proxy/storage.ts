import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'
import { type Database, openSqlite } from './store/database.ts'
import { createKeyStore, type KeyStore } from './store/keys.ts'
import { migrate } from './store/migrate.ts'

export interface Storage {
  readonly database: Database
  readonly keys: KeyStore
  /** Where it is, for people. */
  readonly location: string
}

/** Opens the database that the configuration names and brings its schema up to date. */
export async function openStorage(config: Config): Promise<Storage> {
  const location = config.DATABASE_PATH ?? join(config.DATA_DIR, 'tollgate.db')
  // Key hashes and usage are nobody else's on this machine.
  mkdirSync(dirname(location), { recursive: true, mode: 0o700 })
  const database = await openSqlite(location)
  await migrate(database)
  return { database, keys: createKeyStore(database), location }
}
