import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { QueryTypes } from 'sequelize'
import { type Database, openSqlite } from '../../proxy/store/database.ts'
import type { KeyFields } from '../../proxy/domain/key.ts'
import { createKeyStore, type KeyStore } from '../../proxy/store/keys.ts'
import { migrate } from '../../proxy/store/migrate.ts'
import { directoryFor } from './entries.ts'

export interface TestDatabase {
  readonly path: string
  readonly database: Database
  readonly keys: KeyStore
  readonly query: <Row extends object>(sql: string, ...bind: (string | number)[]) => Promise<Row[]>
}

/** A SQLite file with the current schema and the keys `key-1` to `key-3`. */
export async function openDatabase(t: TestContext): Promise<TestDatabase> {
  const path = join(directoryFor(t), 'tollgate.db')
  const database = await openSqlite(path)
  t.after(() => database.close())
  await migrate(database)
  const keys = createKeyStore(database)
  for (const id of ['key-1', 'key-2', 'key-3']) await keys.create(id, keyFields({ name: id }), markOf(id), 0)
  return {
    path,
    database,
    keys,
    query: <Row extends object>(sql: string, ...bind: (string | number)[]) =>
      database.sequelize.query<Row>(sql, { bind, type: QueryTypes.SELECT }),
  }
}

/** A key without any limit. */
export function keyFields(more: Partial<KeyFields> = {}): KeyFields {
  return {
    name: 'alice',
    isAdmin: false,
    model: null,
    tokenLimit: null,
    rpm: null,
    expiresAt: null,
    allowedEndpoints: null,
    ...more,
  }
}

export function markOf(secret: string): { readonly hash: string; readonly prefix: string } {
  return { hash: `hash of ${secret}`, prefix: secret.slice(0, 8) }
}
