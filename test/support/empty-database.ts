import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Database, type Engine, select } from '../../proxy/store/database.ts'
import { openPostgres } from '../../proxy/store/postgres.ts'
import { openSqlite } from '../../proxy/store/sqlite.ts'
import { engines, postgresSettings } from './database.ts'
import { directoryFor } from './entries.ts'
import type { Env } from './gateway.ts'
import { freshDatabase } from './postgres.ts'

/** A database in which nothing has been made yet. */
export interface EmptyDatabase {
  readonly engine: Engine
  /** What a proxy has to be told to use it. */
  readonly env: Env
  /** A connection to it, closed after the test. */
  open(): Promise<Database>
}

/** A test of each engine, each with an empty database of its own. */
export function testEmpty(name: string, body: (t: TestContext, empty: EmptyDatabase) => Promise<void>): void {
  for (const engine of engines) test(`${engine}: ${name}`, async (t) => body(t, await emptyDatabase(t, engine)))
}

export async function emptyDatabase(t: TestContext, engine: Engine): Promise<EmptyDatabase> {
  const path = engine === 'sqlite' ? join(directoryFor(t), 'tollgate.db') : await freshDatabase()
  return {
    engine,
    env: engine === 'sqlite' ? { DATABASE_PATH: path } : { DATABASE_URL: path },
    async open() {
      const database = await (engine === 'sqlite' ? openSqlite(path) : openPostgres(postgresSettings(path)))
      t.after(() => database.close())
      return database
    },
  }
}

/** Everything that the engine knows of a schema. */
export async function describeSchema(database: Database): Promise<readonly object[]> {
  if (database.engine === 'sqlite') {
    return select(database, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")
  }
  const columns = await select(
    database,
    `SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
     FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1, 2`,
    [database.schema ?? ''],
  )
  const indexes = 'SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1, 2'
  return [...columns, ...(await select(database, indexes, [database.schema ?? '']))]
}
