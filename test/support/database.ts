import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Client, Pool, type PoolConfig, types } from 'pg'
import { QueryTypes } from 'sequelize'
import { type KeyFields, UNLIMITED } from '../../proxy/domain/key.ts'
import type { Database, Engine } from '../../proxy/store/database.ts'
import { createKeyStore, type KeyStore } from '../../proxy/store/keys.ts'
import { migrate, migrationNames } from '../../proxy/store/migrate.ts'
import { openPostgres, type PostgresSettings } from '../../proxy/store/postgres.ts'
import { openSqlite } from '../../proxy/store/sqlite.ts'
import { directoryFor } from './entries.ts'
import { freshDatabase } from './postgres.ts'

export interface TestDatabase {
  /** The file, or the URL. */
  readonly path: string
  readonly database: Database
  readonly keys: KeyStore
  /** Another connection to it, as another process has one; closed after the test. */
  readonly openAgain: (settings?: Partial<PostgresSettings>) => Promise<Database>
  /** Both engines answer numbers alike, and truth as 1 and 0. */
  readonly query: <Row extends object>(sql: string, ...bind: (string | number)[]) => Promise<Row[]>
}

export const engines: readonly Engine[] = ['sqlite', 'postgres']

/** A test of each engine, each with a database of its own. */
export function testEngines(name: string, body: (t: TestContext, store: TestDatabase) => Promise<void>): void {
  for (const engine of engines) test(`${engine}: ${name}`, async (t) => body(t, await openDatabase(t, engine)))
}

/** A database with the current schema and the keys `key-1` to `key-3`. */
export async function openDatabase(t: TestContext, engine: Engine = 'sqlite'): Promise<TestDatabase> {
  return engine === 'sqlite' ? openSqliteFor(t) : openPostgresFor(t)
}

async function openSqliteFor(t: TestContext): Promise<TestDatabase> {
  const path = join(directoryFor(t), 'tollgate.db')
  const openAgain = async (): Promise<Database> => {
    const database = await openSqlite(path)
    t.after(() => database.close())
    return database
  }
  copyFileSync(await (sqliteTemplate ??= makeSqliteTemplate()), path)
  const database = await openAgain()
  return {
    path,
    database,
    keys: createKeyStore(database),
    openAgain,
    query: <Row extends object>(sql: string, ...bind: (string | number)[]) =>
      database.sequelize.query<Row>(sql, { bind, type: QueryTypes.SELECT }),
  }
}

let sqliteTemplate: Promise<string> | undefined

/** A file that is migrated once for all tests of the process. */
async function makeSqliteTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tg-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const path = join(folder, 'template.db')
  const database = await openSqlite(path)
  await fill(database)
  await database.close()
  return path
}

async function openPostgresFor(t: TestContext): Promise<TestDatabase> {
  const path = await databaseFromTemplate()
  const opened: Database[] = []
  const pool = new Pool({ connectionString: path, options: '-c search_path=tollgate', max: 1, types: likeSqlite })
  t.after(async () => {
    await Promise.all([pool.end(), ...opened.map((database) => database.close())])
    await dropDatabase(path)
  })
  const openAgain = async (settings: Partial<PostgresSettings> = {}): Promise<Database> => {
    const database = await openPostgres({ ...postgresSettings(path), ...settings })
    opened.push(database)
    return database
  }
  const database = await openAgain()
  return {
    path,
    database,
    keys: createKeyStore(database),
    openAgain,
    query: async <Row extends object>(sql: string, ...bind: (string | number)[]) =>
      (await pool.query<Row>(sql, bind)).rows,
  }
}

async function fill(database: Database): Promise<void> {
  await migrate(database)
  const keys = createKeyStore(database)
  for (const id of ['key-1', 'key-2', 'key-3']) await keys.create(id, keyFields({ name: id }), markOf(id), 0)
}

/** As a proxy on this machine connects. */
export function postgresSettings(url: string): PostgresSettings {
  return {
    url,
    schema: 'tollgate',
    sslMode: undefined,
    sslRootCert: undefined,
    applicationName: 'tollgate',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 30_000,
    pool: { max: 10, idleMs: 20_000 },
    isPooler: false,
  }
}

const { BOOL, INT8, NUMERIC } = types.builtins
const likeSqlite: PoolConfig['types'] = {
  getTypeParser(oid, format) {
    if (oid === INT8 || oid === NUMERIC) return Number
    if (oid === BOOL) return (text: string) => (text === 't' ? 1 : 0)
    return types.getTypeParser(oid, format) as (text: string) => unknown // safe: our queries ask for the text format
  },
}

let templates: Promise<string> | undefined

/** A copy of a database that was migrated once for everybody who uses the server. */
async function databaseFromTemplate(): Promise<string> {
  const template = await (templates ??= prepareTemplate())
  const url = new URL(`/test_${randomBytes(8).toString('hex')}`, template).href
  await asAdmin(template, (admin) => admin.query(`CREATE DATABASE ${nameIn(url)} TEMPLATE ${nameIn(template)}`))
  return url
}

async function prepareTemplate(): Promise<string> {
  const template = new URL(`/template_${Number.parseInt(migrationNames.at(-1) ?? '', 10)}`, await freshDatabase()).href
  await asAdmin(template, async (admin) => {
    // One process makes it and the others wait. Unlocked by the end of the connection, if not before.
    await admin.query('SELECT pg_advisory_lock(1)')
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [nameIn(template)])
    if (rowCount === 0) await makeTemplate(admin, template)
  })
  return template
}

/** Under another name first, so that what was left half done is no template. */
async function makeTemplate(admin: Client, template: string): Promise<void> {
  const making = new URL(`/test_${randomBytes(8).toString('hex')}`, template).href
  await admin.query(`CREATE DATABASE ${nameIn(making)}`)
  const database = await openPostgres(postgresSettings(making))
  await fill(database)
  await database.close()
  await admin.query(`ALTER DATABASE ${nameIn(making)} RENAME TO ${nameIn(template)}`)
}

/** Unless the test's own connections still stand: to be ended by force is an error to them. */
function dropDatabase(url: string): Promise<void> {
  return asAdmin(url, (admin) => admin.query(`DROP DATABASE ${nameIn(url)}`).catch(() => undefined))
}

async function asAdmin(url: string, work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: new URL('/postgres', url).href })
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}

function nameIn(url: string): string {
  return new URL(url).pathname.slice(1)
}

/** A key without any limit. */
export function keyFields(more: Partial<KeyFields> = {}): Required<KeyFields> {
  return { name: 'alice', ...UNLIMITED, ...more }
}

export function markOf(secret: string): { readonly hash: string; readonly prefix: string } {
  return { hash: `hash of ${secret}`, prefix: secret.slice(0, 8) }
}
