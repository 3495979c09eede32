import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test, type TestContext } from 'node:test'
import { type Database, run, select } from '../../proxy/store/database.ts'
import { migrate } from '../../proxy/store/migrate.ts'
import { openSqlite } from '../../proxy/store/sqlite.ts'
import { type CommandLine, type Ended, startCommandLine } from '../support/command-line.ts'
import { emptyDatabase } from '../support/empty-database.ts'
import { directoryFor } from '../support/entries.ts'
import { freePort } from '../support/free-port.ts'
import type { Env } from '../support/gateway.ts'

const PASSWORD = 'hunter2-never-told'
const commands = ['serve', 'keys list', 'schema status', 'schema up'] as const
type Command = (typeof commands)[number]

/** A user of the machine for whom permissions count. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

interface Case {
  readonly env: Env
  /** Standard error, whole: for all commands, or for those that differ. */
  readonly says: RegExp
  readonly but?: Partial<Record<Command, RegExp>>
  readonly status?: number
  /** Where it is read, and not written, all may be well. */
  readonly fine?: readonly Command[]
  /** What has to be the same afterwards. */
  readonly state?: () => unknown
  readonly user?: { readonly uid?: number; readonly gid?: number }
}

/** All commands of one user are run by one process, which ends by itself: no command leaves anything open. */
const commandLines = new Map<Case['user'], CommandLine>()
after(() => Promise.all([...commandLines.values()].map((each) => each.close())))

/** Runs every command on a storage that cannot be used, and looks at all that they say and leave behind. */
async function expectRefusals(t: TestContext, { env, says, but = {}, status = 1, fine = [], state, user }: Case) {
  const before = await state?.()
  for (const command of commands) {
    const home = directoryFor(t)
    chmodSync(home, 0o777)
    const ended = await runCommand(command, home, env, user)
    const output = ended.stdout + ended.stderr
    assert.ok(
      !output.includes(PASSWORD) && !output.includes(encodeURIComponent(PASSWORD)),
      `${command} tells the password`,
    )
    if (fine.includes(command)) {
      assert.deepEqual([ended.status, ended.stderr], [0, ''], command)
      continue
    }
    assert.match(ended.stderr, but[command] ?? says, `${command}: ${JSON.stringify(ended)}`)
    assert.equal(ended.status, status, `${command}: ${ended.stderr}`)
    assert.doesNotMatch(ended.stderr, /^\s+at /m, command)
    assert.deepEqual(await state?.(), before, `${command} changed something`)
  }
}

function runCommand(command: Command, home: string, env: Env, user: Case['user']): Promise<Ended> {
  const own = { PATH: process.env['PATH'] ?? '', PORT: '0', HOST: '127.0.0.1' }
  const retries = { DATABASE_STARTUP_RETRIES: '1', DB_RETRY_DELAY_MS: '1' }
  const commandLine =
    commandLines.get(user) ?? startCommandLine({ cwd: tmpdir(), env: { ...own, ...retries }, ...user })
  commandLines.set(user, commandLine)
  return commandLine.run(command.split(' '), { DATA_DIR: join(home, 'data'), ...env })
}

const urls: Readonly<Record<string, readonly [url: string, says: RegExp]>> = {
  'no URL at all': [`the database at ${PASSWORD}`, /must be postgres:\/\//],
  'a URL of another scheme': [`mysql://me:${PASSWORD}@localhost/db`, /must be postgres:\/\//],
  'a URL without a database': [`postgres://me:${PASSWORD}@localhost`, /must be postgres:\/\//],
  'a URL with a port that is none': [`postgres://me:${PASSWORD}@localhost:port/db`, /must be postgres:\/\//],
  'a URL with an sslmode that is none': [`postgres://me:${PASSWORD}@localhost/db?sslmode=maybe`, /sslmode must be/],
  'a URL with broken percent signs': [`postgres://me:${PASSWORD}%zz@localhost/db`, /must be postgres:\/\//],
}

for (const [what, [DATABASE_URL, problem]] of Object.entries(urls)) {
  test(`${what} is a problem of the environment`, async (t) => {
    const says = new RegExp(`^The environment has 1 problem\\(s\\):\\n {2}DATABASE_URL: ${problem.source}[^\\n]*\\n$`)
    await expectRefusals(t, { env: { DATABASE_URL }, status: 78, says })
  })
}

test('a password that is wrong', async (t) => {
  const url = new URL((await emptyDatabase(t, 'postgres')).env['DATABASE_URL'] ?? '')
  url.password = PASSWORD
  await expectRefusals(t, {
    env: { DATABASE_URL: url.href },
    says: /^DATABASE_URL: PostgreSQL refuses the user or the password\.\n$/,
  })
})

test('a database that is not there', async (t) => {
  const url = new URL((await emptyDatabase(t, 'postgres')).env['DATABASE_URL'] ?? '')
  url.pathname = '/nowhere'
  await expectRefusals(t, {
    env: { DATABASE_URL: url.href },
    says: /^DATABASE_URL: PostgreSQL has no database of this name; [^\n]*\n$/,
  })
})

test('a port on which nothing listens, of the pooler and of the server behind it', async (t) => {
  const DATABASE_URL = `postgres://me:${PASSWORD}@127.0.0.1:${await freePort()}/db`
  const says = /^DATABASE_URL: nothing listens there; [^\n]*\n$/
  await expectRefusals(t, { env: { DATABASE_URL }, says })
  const direct = new RegExp(says.source.replace('DATABASE_URL', 'DATABASE_DIRECT_URL'))
  const good = (await emptyDatabase(t, 'postgres')).env
  await expectRefusals(t, { env: { ...good, DATABASE_DIRECT_URL: DATABASE_URL }, says: direct })
})

test('a host that is not there', async (t) => {
  const DATABASE_URL = `postgres://me:${PASSWORD}@no-such-host.invalid/db`
  await expectRefusals(t, {
    env: { DATABASE_URL },
    says: /^DATABASE_URL: (?:there is no such host|the host name cannot)[^\n]*\n$/,
  })
})

for (const table of ['api_keys (id INTEGER)', 'schema_migrations (version TEXT)']) {
  test(`a schema with another program's ${table}`, async (t) => {
    const empty = await emptyDatabase(t, 'postgres')
    const database = await empty.open()
    await run(database, 'CREATE SCHEMA shop')
    await run(database, `CREATE TABLE shop.${table}`)
    await expectRefusals(t, {
      env: { ...empty.env, DB_SCHEMA: 'shop' },
      says: /^DB_SCHEMA: the schema shop holds the table \w+ of another program; [^\n]*\n$/,
      state: () => tablesOf(database),
    })
  })

  test(`an SQLite file with another program's ${table}`, async (t) => {
    const path = join(directoryFor(t), 'other.db')
    const other = new DatabaseSync(path)
    other.exec(`CREATE TABLE ${table}`)
    other.close()
    await expectRefusals(t, {
      env: { DATABASE_PATH: path },
      says: /^DATABASE_PATH: the file holds the table \w+ of another program; [^\n]*\n$/,
      state: () => bytesIn(path),
    })
  })
}

test('a PostgreSQL that only reads, while the schema is missing', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const database = await empty.open()
  await makeReadOnly(database)
  await expectRefusals(t, {
    env: empty.env,
    says: /^DATABASE_URL: the database is read-only; [^\n]*\n$/,
    but: { 'schema status': /^DATABASE_URL: the schema is older [^\n]*\n$/ },
    state: () => tablesOf(database),
  })
})

test('a PostgreSQL that only reads can be looked at, and not be served from', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const database = await empty.open()
  await migrate(database)
  await makeReadOnly(database)
  await expectRefusals(t, {
    env: empty.env,
    says: /^DATABASE_URL: the database is read-only; [^\n]*\n$/,
    fine: ['keys list', 'schema status', 'schema up'],
    state: () => tablesOf(database),
  })
})

test('a user who may not make tables', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const database = await empty.open()
  const role = `role_${Date.now()}_${process.pid}`
  await run(database, `CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`)
  const url = new URL(empty.env['DATABASE_URL'] ?? '')
  url.username = role
  url.password = PASSWORD
  await expectRefusals(t, {
    env: { DATABASE_URL: url.href },
    says: /^DATABASE_URL: the user may not do this; grant [^\n]*\n$/,
    but: { 'schema status': /^DATABASE_URL: the schema is older [^\n]*\n$/ },
    state: () => tablesOf(database),
  })
  await run(database, `DROP ROLE ${role}`)
})

test('an SQLite file that may not be written', async (t) => {
  const { folder, path } = await sqliteOf(t)
  chmodSync(path, 0o444)
  chmodSync(folder, 0o555)
  await expectRefusals(t, {
    env: { DATABASE_PATH: path },
    user: nobody,
    says: /^DATABASE_PATH: the SQLite file cannot be (?:written|opened); [^\n]*\n$/,
    state: () => bytesIn(path),
  }).finally(() => chmodSync(folder, 0o755))
})

test('a folder in which no SQLite file can be made', async (t) => {
  const folder = directoryFor(t)
  chmodSync(folder, 0o555)
  for (const path of [join(folder, 'tollgate.db'), join(folder, 'deeper', 'tollgate.db')]) {
    await expectRefusals(t, {
      env: { DATABASE_PATH: path },
      user: nobody,
      says: /^DATABASE_PATH: [^\n]*check its owner and mode[^\n]*\n$/,
      // It makes no file where there is none.
      but: { 'schema status': /^DATABASE_PATH: the schema is older than this program needs; [^\n]*\n$/ },
      state: () => readdirSync(folder),
    })
  }
  chmodSync(folder, 0o755)
})

test('a file that is not SQLite', async (t) => {
  const path = join(directoryFor(t), 'tollgate.db')
  writeFileSync(path, `the minutes of a meeting, ${PASSWORD}\n`.repeat(100))
  await expectRefusals(t, {
    env: { DATABASE_PATH: path },
    says: /^DATABASE_PATH: the file is not an SQLite database; [^\n]*\n$/,
    state: () => bytesIn(path),
  })
})

test('a folder where the SQLite file should be', async (t) => {
  const path = join(directoryFor(t), 'tollgate.db')
  mkdirSync(path)
  await expectRefusals(t, {
    env: { DATABASE_PATH: path },
    says: /^DATABASE_PATH: the SQLite file cannot be opened; [^\n]*\n$/,
  })
})

const certificates: Readonly<Record<string, string | undefined>> = {
  'that is not there': undefined,
  'without one': 'none\n',
}

for (const [what, text] of Object.entries(certificates)) {
  test(`a file of certificates ${what}`, async (t) => {
    const path = join(directoryFor(t), 'ca.pem')
    if (text !== undefined) writeFileSync(path, text)
    const { DATABASE_URL = '' } = (await emptyDatabase(t, 'postgres')).env
    const env = { DATABASE_URL, DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: path }
    await expectRefusals(t, { env, says: /^DB_SSLROOTCERT: [^\n]*\n$/ })
  })
}

const keyFiles: Readonly<Record<string, string>> = {
  'is not JSON': `{"keys": [{"key": "${PASSWORD}", `,
  'is empty': '',
  'has no keys': '{"users": []}',
  'lacks a field of a key': JSON.stringify({ keys: [{ name: 'alice', token_limit_per_5h: 1000 }] }),
  'has a limit that is none': JSON.stringify({ keys: [{ key: PASSWORD, name: 'alice', token_limit_per_5h: 'many' }] }),
}

for (const [what, text] of Object.entries(keyFiles)) {
  test(`an apikeys.json that ${what}`, async (t) => {
    const path = join(directoryFor(t), 'apikeys.json')
    writeFileSync(path, text)
    const needsDatabase = /^DATA_FILE: a key file has no such thing; [^\n]*\n$/
    await expectRefusals(t, {
      env: { DATA_FILE: path },
      says: new RegExp(`^DATA_FILE: ${path} [^\\n]*\\n$`),
      but: { 'schema status': needsDatabase, 'schema up': needsDatabase },
      state: () => bytesIn(path),
    })
  })
}

/** All that lies where the file does, with its bytes. */
function bytesIn(path: string): unknown {
  const folder = join(path, '..')
  return readdirSync(folder).map((name) => {
    const file = join(folder, name)
    return [name, statSync(file).mode, createHash('sha256').update(readFileSync(file)).digest('hex')]
  })
}

/** Schemas and tables, with how many rows there are: counted, since the statistics hear of rows when they like. */
async function tablesOf(database: Database): Promise<unknown> {
  const schemas = await select(database, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
  const tables = await select<{ name: string }>(
    database,
    "SELECT format('%I.%I', schemaname, relname) AS name FROM pg_stat_user_tables ORDER BY 1",
  )
  const counts: unknown[] = []
  for (const { name } of tables) counts.push([name, await select(database, `SELECT count(*) FROM ${name}`)])
  return [schemas, counts]
}

async function makeReadOnly(database: Database): Promise<void> {
  const [{ name } = { name: '' }] = await select<{ name: string }>(database, 'SELECT current_database() AS name')
  await run(database, `ALTER DATABASE "${name}" SET default_transaction_read_only = on`)
}

/** A migrated file of a user for whom permissions count, in a folder of theirs. */
async function sqliteOf(t: TestContext): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = directoryFor(t)
  const path = join(folder, 'tollgate.db')
  const database = await openSqlite(path)
  await migrate(database)
  await database.close()
  assert.deepEqual(readdirSync(folder), ['tollgate.db'], 'nothing beside it that would let it be read')
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid)
  return { folder, path }
}
