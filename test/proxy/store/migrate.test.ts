import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openSqlite } from '../../../proxy/store/database.ts'
import { migrate } from '../../../proxy/store/migrate.ts'
import { openDatabase } from '../../support/database.ts'
import { directoryFor } from '../../support/entries.ts'

const MIGRATE_ONCE = new URL('../../support/migrate-once.ts', import.meta.url).pathname

/** Everything that SQLite knows of a schema, and what is recorded of how it came about. */
function schemaOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return [
      database.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2").all(),
      database.prepare('SELECT name, min_reader FROM schema_migrations ORDER BY name').all(),
      database.prepare('SELECT name, value FROM settings').all(),
    ]
  } finally {
    database.close()
  }
}

test('a schema that is up to date stays as it is', async (t) => {
  const { database, path } = await openDatabase(t)
  const before = schemaOf(path)
  assert.deepEqual(await migrate(database), [])
  assert.deepEqual(schemaOf(path), before)
})

test('twenty processes that migrate a new file at once end in one schema', async (t) => {
  const expected = schemaOf((await openDatabase(t)).path).slice(0, 2)
  const path = join(directoryFor(t), 'tollgate.db')
  const run = promisify(execFile)
  await Promise.all(Array.from({ length: 20 }, () => run(process.execPath, [MIGRATE_ONCE, path])))
  assert.deepEqual(schemaOf(path).slice(0, 2), expected)
})

test('a file that is no database is told apart from one that is locked', async (t) => {
  await assert.rejects(openSqlite(directoryFor(t)), /SQLITE_CANTOPEN|unable to open/)
})
