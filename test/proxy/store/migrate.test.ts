import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Database, run, select, tableOf } from '../../../proxy/store/database.ts'
import { migrate, migrationNames } from '../../../proxy/store/migrate.ts'
import { openSqlite } from '../../../proxy/store/sqlite.ts'
import { testEngines } from '../../support/database.ts'
import { describeSchema, emptyDatabase, testEmpty } from '../../support/empty-database.ts'
import { directoryFor } from '../../support/entries.ts'
import { createHome, startGateway } from '../../support/gateway.ts'
import { undoLast } from '../../support/undo-migration.ts'

const PROCESSES = 20
const SERVERS = 4
const LAST = migrationNames.at(-1) ?? ''

const recorded = (database: Database): Promise<{ name: string; min_reader: number; applied_at: number }[]> =>
  select(database, `SELECT * FROM ${tableOf(database, 'schema_migrations')} ORDER BY name`)

testEngines('a schema that is up to date stays as it is', async (_, { database }) => {
  const before = [await describeSchema(database), await recorded(database)]
  assert.deepEqual(await migrate(database), [])
  assert.deepEqual([await describeSchema(database), await recorded(database)], before)
})

testEmpty('a schema is made of all migrations, in their order, once', async (_, empty) => {
  const database = await empty.open()
  assert.deepEqual(await migrate(database), migrationNames)
  assert.deepEqual(
    (await recorded(database)).map(({ name }) => name),
    migrationNames,
  )
  assert.deepEqual(await migrate(database), [])
})

testEmpty('twenty processes that bring a new database up to date at once end in one schema', async (t, empty) => {
  const home = await createHome(empty.env)
  t.after(() => home.remove())
  const ends = await Promise.all(Array.from({ length: PROCESSES }, () => home.cli(['schema', 'up', '--json'])))
  for (const { status, stderr } of ends) assert.equal(status, 0, stderr)
  // safe: --json's contract
  const ran = ends.flatMap(({ stdout }) => (JSON.parse(stdout) as { ran: string[] }).ran)
  assert.deepEqual(ran.toSorted(), migrationNames, 'each migration was run by one of them')

  const single = await (await emptyDatabase(t, empty.engine)).open()
  await migrate(single)
  assert.deepEqual(await describeSchema(await empty.open()), await describeSchema(single))
})

testEmpty('of proxies that start at once on a new database one makes and tells the admin key', async (t, empty) => {
  const homes = await Promise.all(Array.from({ length: SERVERS }, () => createHome(empty.env)))
  t.after(() => Promise.all(homes.map((home) => home.remove())))
  const proxies = await Promise.all(homes.map((home) => startGateway(home)))
  t.after(() => Promise.all(proxies.map((proxy) => proxy.stop())))

  const files = homes.map((home) => join(home.path, 'admin-key')).filter((path) => existsSync(path))
  assert.equal(files.length, 1, 'it was told once')
  const database = await empty.open()
  const admins = await select(database, `SELECT id FROM ${tableOf(database, 'api_keys')} WHERE is_admin`)
  assert.equal(admins.length, 1, 'it was made once')
  assert.deepEqual(
    (await recorded(database)).map(({ name }) => name),
    migrationNames,
  )
  const authorization = `Bearer ${readFileSync(files[0] ?? '', 'utf8').trim()}`
  for (const { url } of proxies) {
    assert.equal((await fetch(`${url}/metrics`, { headers: { authorization } })).status, 200)
  }
  assert.deepEqual(
    await Promise.all(proxies.map((proxy) => proxy.stop())),
    homes.map(() => 0),
  )
})

testEngines(
  'a migration that fails in the middle leaves nothing behind, and the next start goes on',
  async (t, store) => {
    const { database } = store
    await undoLast(database)
    // In the way of an index that is made after its table.
    await run(database, `CREATE INDEX request_bodies_whole ON ${tableOf(database, 'tenants')} (name)`)
    const before = [await describeSchema(database), await recorded(database)]

    const home = await createHome(
      database.engine === 'sqlite' ? { DATABASE_PATH: store.path } : { DATABASE_URL: store.path },
    )
    t.after(() => home.remove())
    const failed = await home.cli(['schema', 'up'])
    assert.equal(failed.status, 1)
    assert.match(failed.stderr, new RegExp(`^DATABASE_(?:PATH|URL): run ${LAST}: .+\\.\\n$`))
    assert.deepEqual([await describeSchema(database), await recorded(database)], before)

    await run(database, `DROP INDEX ${tableOf(database, 'request_bodies_whole')}`)
    assert.deepEqual(await migrate(database), [LAST])
  },
)

test('sqlite: a migration that others keep from its turn for longer than a call would wait is made all the same', async (t) => {
  const database = await (await emptyDatabase(t, 'sqlite')).open()
  let refusals = 0
  const busy = Object.assign(new Error('SQLITE_BUSY: database is locked'), { code: 'SQLITE_BUSY' })
  const contested: Database = {
    ...database,
    write: (work) => (++refusals < 4 ? Promise.reject(busy) : database.write(work)),
  }
  assert.deepEqual(await migrate(contested), migrationNames)
  assert.ok(refusals > 3)
})

test('postgres: a user who may not make schemas uses the one that was made for them', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const admin = await empty.open()
  const role = `role_${Date.now()}_${process.pid}`
  await run(admin, `CREATE ROLE ${role} LOGIN PASSWORD 'only-this-test'`)
  await run(admin, `CREATE SCHEMA tollgate AUTHORIZATION ${role}`)
  const url = new URL(empty.env['DATABASE_URL'] ?? '')
  url.username = role
  url.password = 'only-this-test'
  const home = await createHome({ DATABASE_URL: url.href })
  t.after(() => home.remove())
  const { status, stderr } = await home.cli(['schema', 'up'])
  assert.deepEqual([status, stderr], [0, ''])
  await run(admin, 'DROP SCHEMA tollgate CASCADE')
  await run(admin, `DROP ROLE ${role}`)
})

test('postgres: one connection is enough to migrate', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const home = await createHome({ ...empty.env, POOL_MAX_CONNECTIONS: '1', POOL_CONNECT_TIMEOUT_MS: '20000' })
  t.after(() => home.remove())
  const { status, stderr } = await home.cli(['schema', 'up'])
  assert.deepEqual([status, stderr], [0, ''])
})

test('a file that is no database is told apart from one that is locked', async (t) => {
  const path = directoryFor(t)
  await assert.rejects(async () => {
    const database = await openSqlite(path)
    await migrate(database)
  }, /SQLITE_CANTOPEN|unable to open/)
})
