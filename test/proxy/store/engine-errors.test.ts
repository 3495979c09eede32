import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { StoreError, type StoreErrorKind } from '../../../proxy/domain/store-error.ts'
import { type Database, run, select } from '../../../proxy/store/database.ts'
import { storeError } from '../../../proxy/store/engine-errors.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { NO_RETRY, retrying } from '../../../proxy/store/retry.ts'
import { openSqlite } from '../../../proxy/store/sqlite.ts'
import { openDatabase, postgresSettings, type TestDatabase } from '../../support/database.ts'
import { closedEntry, directoryFor } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { startPostgres } from '../../support/postgres.ts'
import { mountTinyDisk } from '../../support/tiny-disk.ts'

/** A value of a row, which nobody may read in an error. */
const VALUE = 'hunter2'

interface Expected {
  readonly kind: StoreErrorKind
  readonly isTransient: boolean
  readonly code?: string
  readonly table?: string
  readonly constraint?: string
}

const constraint = (code: string, more: Partial<Expected> = {}): Expected => ({
  kind: 'constraint',
  isTransient: false,
  code,
  ...more,
})
const validation = (code: string): Expected => ({ kind: 'validation', isTransient: false, code })
const query = (code: string): Expected => ({ kind: 'query', isTransient: false, code })
const passing = (code: string): Expected => ({ kind: 'query', isTransient: true, code })
const away = (code?: string): Expected => ({ kind: 'connection', isTransient: true, ...(code && { code }) })

/** Everything that a log prints of it. */
function printed(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack}\n${printed(error.cause)}` : ''
}

async function assertError(work: Promise<unknown>, expected: Expected): Promise<void> {
  const cause: unknown = await work.then(
    () => assert.fail('it was no error'),
    (error: unknown) => error,
  )
  const error = storeError('try something', cause)
  assert.ok(error instanceof StoreError)
  const { kind, isTransient, code, table, constraint: broken, operation, message } = error
  assert.deepEqual(
    { kind, isTransient, ...('code' in expected && { code }) },
    { kind: expected.kind, isTransient: expected.isTransient, ...('code' in expected && { code: expected.code }) },
    message,
  )
  if ('table' in expected) assert.deepEqual([table, broken], [expected.table, expected.constraint])
  assert.equal(operation, 'try something')
  assert.match(message, /^try something: [^\n]+$/)
  assert.ok(!printed(error).includes(VALUE), printed(error))
  assert.equal(storeError('something else', error), error, 'what is judged stays as it is')
}

const KEY_COLUMNS = '(id, name, hash, prefix, status, is_admin, created_at, lifetime_tokens)'
const insertKey = (table: string, id: string, name: string): string =>
  `INSERT INTO ${table} ${KEY_COLUMNS} VALUES (${id}, ${name}, 'hash', 'prefix', 'active', false, 0, 0)`

const onPostgres: Readonly<Record<string, readonly [string, Expected]>> = {
  'an id that is there': [
    insertKey('tollgate.api_keys', "'key-1'", `'${VALUE}'`),
    constraint('23505', { table: 'api_keys', constraint: 'api_keys_pkey' }),
  ],
  'a name that is there': [
    insertKey('tollgate.api_keys', "'key-9'", "'key-1'"),
    constraint('23505', { table: 'api_keys', constraint: 'api_keys_name' }),
  ],
  'a value that is missing': [insertKey('tollgate.api_keys', "'key-9'", 'NULL'), constraint('23502')],
  'a value that is too long': [insertKey('tollgate.api_keys', `'${VALUE.repeat(10)}'`, "'a'"), validation('22001')],
  'a value that is no number': [`SELECT '${VALUE}'::int`, validation('22P02')],
  'a number that is too large': ['SELECT (2 ^ 40)::int', validation('22003')],
  'what is no JSON': [`SELECT '{"a": ${VALUE}'::jsonb`, validation('22P02')],
  'a division by nothing': ['SELECT 1 / 0', validation('22012')],
  'a table that is missing': ['SELECT 1 FROM tollgate.nothing', query('42P01')],
  'a column that is missing': ['SELECT nothing FROM tollgate.api_keys', query('42703')],
  'what is no SQL': ['SELEC', query('42601')],
  'a session that was ended': ['SELECT pg_terminate_backend(pg_backend_pid())', away('57P01')],
  'a statement that was cancelled': ['SELECT pg_cancel_backend(pg_backend_pid())', passing('57014')],
}

for (const [what, [sql, expected]] of Object.entries(onPostgres)) {
  test(`postgres: ${what}`, async (t) => {
    const { database } = await openDatabase(t, 'postgres')
    await assertError(run(database, sql), expected)
    // The pool may still hold on to a connection that was ended.
    await retrying('ping', { ...NO_RETRY, max: 5, delayMs: 10, maxDelayMs: 10 }, () => run(database, 'SELECT 1'))
  })
}

test('postgres: a table that is read-only, a lock that is held, a transaction that was overtaken', async (t) => {
  const { database, openAgain } = await openDatabase(t, 'postgres')
  const other = await openAgain()
  const change = "UPDATE tollgate.settings SET value = '1'"
  const within = (first: string) =>
    database.write(async (transaction) => {
      await run(database, first, [], transaction)
      await run(database, change, [], transaction)
    })
  await assertError(within('SET TRANSACTION READ ONLY'), passing('25006'))
  await other.write(async (transaction) => {
    await run(other, change, [], transaction)
    await assertError(within("SET LOCAL lock_timeout = '20ms'"), passing('55P03'))
  })
  const overtaken = database.write(async (transaction) => {
    await run(database, 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', [], transaction)
    await run(database, 'SELECT * FROM tollgate.settings', [], transaction)
    await run(other, change)
    await run(database, change, [], transaction)
  })
  await assertError(overtaken, passing('40001'))
})

test('postgres: two that wait for one another', async (t) => {
  const { database } = await openDatabase(t, 'postgres')
  const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const lockBoth = (ids: readonly string[], mine: typeof one, others: typeof one) =>
    database.write(async (transaction) => {
      await run(database, "SET LOCAL deadlock_timeout = '20ms'", [], transaction)
      for (const id of ids) {
        await run(database, 'UPDATE tollgate.api_keys SET rpm = 1 WHERE id = $1', [id], transaction)
        mine.resolve()
        await others.promise
      }
    })
  const both = [lockBoth(['key-1', 'key-2'], one, two), lockBoth(['key-2', 'key-1'], two, one)]
  const outcomes = await Promise.allSettled(both)
  const loser = outcomes.findIndex(({ status }) => status === 'rejected')
  await assertError(both[loser] ?? assert.fail('nobody lost'), passing('40P01'))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('postgres: a statement that takes too long', async (t) => {
  const { openAgain } = await openDatabase(t, 'postgres')
  const limited = await openAgain({ statementTimeoutMs: 54_321 })
  assert.deepEqual(await select(limited, 'SHOW statement_timeout'), [{ statement_timeout: '54321ms' }])
  // By the server's limit alone: our own comes a second later, and a machine may stand still for that.
  const hasty = limited.write(async (transaction) => {
    await run(limited, "SET LOCAL statement_timeout = '50ms'", [], transaction)
    await run(limited, 'SELECT pg_sleep(60)', [], transaction)
  })
  await assertError(hasty, passing('57014'))
})

test('postgres: an answer that does not come', async (t) => {
  const { openAgain, query: ask } = await openDatabase(t, 'postgres')
  // As a transaction pooler is used: the server knows of no limit.
  const hasty = await openAgain({ statementTimeoutMs: 1, isPooler: true })
  await assertError(run(hasty, 'SELECT pg_sleep(60)'), away())
  // Or the connection would be closed when it has slept.
  await ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'`)
})

test('postgres: a pool of which nothing is left', async (t) => {
  const { openAgain } = await openDatabase(t, 'postgres')
  const small = await openAgain({ pool: { max: 1, idleMs: 60_000 }, connectTimeoutMs: 50 })
  const isConnected = (): Promise<boolean> =>
    run(small, 'SELECT 1').then(
      () => true,
      () => false,
    )
  await until('it is connected, however long that takes', isConnected)
  await small.write(() => assertError(run(small, 'SELECT 1'), away()))
})

test('postgres: a database, a user or a server that is not there', async (t) => {
  const { path, openAgain } = await openDatabase(t, 'postgres')
  const at = (part: 'pathname' | 'password' | 'username' | 'hostname', value: string): string =>
    Object.assign(new URL(path), { [part]: value }).href
  for (const [url, expected] of [
    [at('pathname', '/nobody'), away('3D000')],
    [at('password', VALUE), away('28P01')],
    [at('username', 'nobody'), away('28P01')],
    [at('hostname', 'nowhere.invalid'), away()], // ENOTFOUND, or EAI_AGAIN where nobody can be asked for names
  ] as const) {
    await assertError(run(await openAgain({ url }), 'SELECT 1'), expected)
  }
})

test('postgres: a user who may not connect, or not see', async (t) => {
  const { path, openAgain, query: ask } = await openDatabase(t, 'postgres')
  const role = `role_${new URL(path).pathname.slice(1)}`
  await ask(`CREATE ROLE ${role} LOGIN PASSWORD '${VALUE}' CONNECTION LIMIT 0`)
  const url = Object.assign(new URL(path), { username: role, password: VALUE }).href
  const other = await openAgain({ url })
  await assertError(run(other, 'SELECT 1'), away('53300'))
  await ask(`ALTER ROLE ${role} CONNECTION LIMIT 5`)
  await assertError(run(other, 'SELECT 1 FROM tollgate.api_keys'), query('42501'))
  await ask(`DROP ROLE ${role}`)
})

test('postgres: a server that stops, is stopped, and starts', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  const database = await openPostgres(postgresSettings(server.url('postgres')))
  t.after(() => database.close())
  await run(database, 'SELECT 1')
  const interrupted = assertError(run(database, 'SELECT pg_sleep(60)'), away())
  const asleep = "SELECT 1 / count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
  await until('it sleeps', () =>
    run(database, asleep).then(
      () => true,
      () => false,
    ),
  )
  await server.stop('immediate')
  await interrupted
  await until('all of its connections are known to be gone', async () => {
    const failure: unknown = await run(database, 'SELECT 1').catch((error: unknown) => error)
    return storeError('try something', failure).code === 'ECONNREFUSED'
  })
  await assertError(run(database, 'SELECT 1'), away('ECONNREFUSED'))
  await server.start()
  await run(database, 'SELECT 1')
})

const onSqlite: Readonly<Record<string, readonly [string, Expected]>> = {
  'an id that is there': [insertKey('api_keys', "'key-1'", `'${VALUE}'`), constraint('SQLITE_CONSTRAINT')],
  'a value that is missing': [insertKey('api_keys', "'key-9'", 'NULL'), constraint('SQLITE_CONSTRAINT')],
  'a value that is no number': [`INSERT INTO numbers VALUES ('${VALUE}')`, validation('SQLITE_MISMATCH')],
  'a value that is too large': ['SELECT zeroblob(2000000000)', validation('SQLITE_TOOBIG')],
  'a table that is missing': ['SELECT 1 FROM nothing', query('SQLITE_ERROR')],
  'what is no SQL': ['SELEC', query('SQLITE_ERROR')],
}

for (const [what, [sql, expected]] of Object.entries(onSqlite)) {
  test(`sqlite: ${what}`, async (t) => {
    const { database } = await openDatabase(t)
    await run(database, 'CREATE TABLE numbers (number INTEGER PRIMARY KEY)')
    await assertError(run(database, sql), expected)
  })
}

test('sqlite: a lock that another process holds', async (t) => {
  const { database, openAgain } = await openDatabase(t)
  await run(database, 'PRAGMA busy_timeout = 10')
  const other = await openAgain()
  await other.write(() => assertError(run(database, "UPDATE settings SET value = '1'"), passing('SQLITE_BUSY')))
})

test('sqlite: a connection that may only read', async (t) => {
  const { database } = await openDatabase(t)
  await run(database, 'PRAGMA query_only = 1')
  await assertError(run(database, "UPDATE settings SET value = '1'"), query('SQLITE_READONLY'))
})

test('sqlite: a file that is no database, and one that is a folder', async (t) => {
  const folder = directoryFor(t)
  const path = join(folder, 'notes.txt')
  writeFileSync(path, `my password is ${VALUE}, `.repeat(100))
  await assertError(openSqlite(path), query('SQLITE_NOTADB'))
  mkdirSync(join(folder, 'folder'))
  await assertError(openSqlite(join(folder, 'folder')), away('SQLITE_CANTOPEN'))
})

test('sqlite: a disk that is full', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const database = await openSqlite(join(disk.path, 'a.db'))
  t.after(() => database.close())
  await run(database, 'CREATE TABLE texts (content TEXT)')
  disk.fill()
  const insert = (): Promise<void> => run(database, `INSERT INTO texts VALUES ('${VALUE.repeat(300)}')`)
  await assertError(insert(), away('SQLITE_FULL'))
  disk.makeRoom()
  await insert()
})

for (const engine of ['sqlite', 'postgres'] as const) {
  test(`${engine}: entries that the columns do not take are no outage, and an outage is no fault of entries`, async (t) => {
    const { database, query: ask }: TestDatabase = await openDatabase(t, engine)
    const write = (different: object, into: Database = database): Promise<unknown> =>
      writeEntries(into, [rowJson({ ...closedEntry(), endpoint: VALUE, ...different })])
    const kindOf = async (work: Promise<unknown>): Promise<StoreErrorKind> => {
      const error = storeError('write entries', await work.catch((cause: unknown) => cause))
      assert.ok(!printed(error).includes(VALUE), printed(error))
      return error.kind
    }
    assert.equal(await kindOf(write({ durationMs: Number.NaN })), 'constraint')
    assert.equal(await kindOf(write({ keyId: null })), 'constraint')
    if (engine === 'postgres') {
      assert.equal(await kindOf(write({ model: VALUE.repeat(100) })), 'validation')
      assert.equal(await kindOf(write({ spend: 1.5 })), 'validation')
      assert.equal(await kindOf(write({ error: 'a\0b' })), 'validation')
      assert.equal(await kindOf(write({ httpStatus: VALUE })), 'validation')
    }
    await ask('ALTER TABLE usage_windows RENAME TO away')
    assert.equal(await kindOf(write({})), 'query')
  })
}
