import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run, select } from '../../../proxy/store/database.ts'
import { migrate, verifySchema } from '../../../proxy/store/migrate.ts'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { readMigrations, type SchemaStanding, schemaStanding } from '../../../proxy/store/schema.ts'
import { postgresSettings } from '../../support/database.ts'
import { describeSchema, emptyDatabase, testEmpty } from '../../support/empty-database.ts'

const known = ['0001-one', '0002-two']
const one = { name: '0001-one', minReader: 1 }
const two = { name: '0002-two', minReader: 1 }

const standings: Readonly<Record<string, readonly [applied: readonly (typeof one)[], standing: SchemaStanding]>> = {
  'what has all that the program knows is current': [[one, two], { kind: 'current' }],
  'an empty database is behind by everything': [[], { kind: 'behind', missing: known }],
  'what lacks the last is behind by it': [[one], { kind: 'behind', missing: ['0002-two'] }],
  'what a later program has migrated is newer': [[one, two, { name: '0003-x', minReader: 2 }], { kind: 'newer' }],
  'it is too new where that says so': [[one, two, { name: '0003-x', minReader: 3 }], { kind: 'too-new', minReader: 3 }],
  'the strictest of the later ones counts': [
    [one, two, { name: '0003-x', minReader: 4 }, { name: '0004-y', minReader: 1 }],
    { kind: 'too-new', minReader: 4 },
  ],
  'too new goes before behind: nothing is run on a schema that nobody here knows': [
    [one, { name: '0003-x', minReader: 3 }],
    { kind: 'too-new', minReader: 3 },
  ],
  'what the program knows itself asks nothing of it': [[one, { name: '0002-two', minReader: 2 }], { kind: 'current' }],
}

for (const [what, [applied, standing]] of Object.entries(standings)) {
  test(what, () => assert.deepEqual(schemaStanding(applied, known), standing))
}

const FOREIGN: Readonly<Record<string, string>> = {
  'a table of one of our names': 'CREATE TABLE #.api_keys (id INTEGER)',
  'a table of a name of its own': 'CREATE TABLE #.articles (id INTEGER)',
  'migrations of its own': 'CREATE TABLE #.schema_migrations (version VARCHAR(255))',
  'a view of one of our names': 'CREATE VIEW #.api_keys AS SELECT 1 AS id',
}

for (const [what, statement] of Object.entries(FOREIGN)) {
  testEmpty(`what has ${what} is another program's, and stays as it is`, async (_, empty) => {
    const database = await empty.open()
    if (empty.engine === 'postgres') await run(database, 'CREATE SCHEMA tollgate')
    await run(database, statement.replace('#.', empty.engine === 'postgres' ? 'tollgate.' : ''))
    const before = await describeSchema(database)
    const sentence =
      empty.engine === 'postgres' ? /^DB_SCHEMA: .*of another program/ : /^DATABASE_PATH: .*of another program/
    for (const work of [readMigrations, migrate, verifySchema]) {
      await assert.rejects(work(database), (error: Error) => sentence.test(error.message))
    }
    assert.deepEqual(await describeSchema(database), before)
  })
}

test("postgres: a table that our user has no right to is another program's, too", async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const admin = await empty.open()
  const role = `role_${Date.now()}_${process.pid}`
  await run(admin, 'CREATE SCHEMA tollgate')
  await run(admin, 'CREATE TABLE tollgate.api_keys (id INTEGER)')
  await run(admin, `CREATE ROLE ${role} LOGIN PASSWORD 'only-this-test'`)
  await run(admin, `GRANT ALL ON SCHEMA tollgate TO ${role}`)
  const url = new URL(empty.env['DATABASE_URL'] ?? '')
  url.username = role
  url.password = 'only-this-test'
  const database = await openPostgres(postgresSettings(url.href))
  const hidden = "SELECT table_name FROM information_schema.columns WHERE table_schema = 'tollgate'"
  assert.deepEqual(await select(database, hidden), [])
  await assert.rejects(readMigrations(database), /DB_SCHEMA: .*api_keys of another program/)
  await database.close()
  await run(admin, `DROP OWNED BY ${role}`)
  await run(admin, `DROP ROLE ${role}`)
})

test('postgres: tables of other schemas are nobody’s business', async (t) => {
  const database = await (await emptyDatabase(t, 'postgres')).open()
  await run(database, 'CREATE TABLE public.api_keys (id INTEGER)')
  await migrate(database)
  await verifySchema(database)
})
