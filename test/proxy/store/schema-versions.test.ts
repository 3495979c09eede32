import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Database, run, tableOf } from '../../../proxy/store/database.ts'
import { migrate, migrationNames } from '../../../proxy/store/migrate.ts'
import { type EmptyDatabase, testEmpty } from '../../support/empty-database.ts'
import { freePort } from '../../support/free-port.ts'
import { createHome, type Home, startGateway, until } from '../../support/gateway.ts'
import { undoLast } from '../../support/undo-migration.ts'

const MAIN = new URL('../../../bin/tollgate.mjs', import.meta.url).pathname

/** What the next program but many would leave behind. */
async function migrateLater(database: Database, minReader: number): Promise<void> {
  await migrate(database)
  const sql = `INSERT INTO ${tableOf(database, 'schema_migrations')} (name, min_reader, applied_at) VALUES ($1, $2, $3)`
  await run(database, sql, ['0099-later', minReader, Date.now()])
}

async function homeOf(t: { after(work: () => unknown): void }, empty: EmptyDatabase): Promise<Home> {
  const home = await createHome(empty.env)
  t.after(() => home.remove())
  return home
}

const variableOf = ({ engine }: EmptyDatabase): string => (engine === 'sqlite' ? 'DATABASE_PATH' : 'DATABASE_URL')

for (const SKIP_MIGRATION of ['false', 'true']) {
  testEmpty(`a program serves a later schema that lets it, SKIP_MIGRATION=${SKIP_MIGRATION}`, async (t, empty) => {
    const home = await homeOf(t, empty)
    const before = await startGateway(home)
    assert.equal(await before.stop(), 0)
    await migrateLater(await empty.open(), 1)

    const gateway = await startGateway(home, { SKIP_MIGRATION })
    t.after(() => gateway.stop())
    const { key } = await home.createKey()
    const stats = await fetch(`${gateway.url}/stats`, { headers: { authorization: `Bearer ${key}` } })
    assert.equal(stats.status, 200)
    assert.equal((await fetch(`${gateway.url}/health/ready`)).status, 200)
    assert.equal(await gateway.stop(), 0)
  })

  testEmpty(`a program too old for a schema refuses it, SKIP_MIGRATION=${SKIP_MIGRATION}`, async (t, empty) => {
    const home = await homeOf(t, empty)
    await migrateLater(await empty.open(), 99)
    const sentence = new RegExp(
      `^${variableOf(empty)}: the schema is for programs of schema 99 and later, and this one is of ${Number(migrationNames.at(-1)?.slice(0, 4))};[^\\n]*\\.\\n$`,
    )
    for (const args of [
      ['serve'],
      ['keys', 'list'],
      ['schema', 'up'],
      ['schema', 'up', '--dry-run'],
      ['schema', 'status'],
    ]) {
      const { status, stderr } = await home.command(args, { SKIP_MIGRATION, PORT: '0', HOST: '127.0.0.1' })
      assert.match(stderr, sentence, args.join(' '))
      assert.equal(status, 1, args.join(' '))
    }
  })
}

/** A proxy that nobody says the port of yet: it does so when it lets calls in. */
async function startUnready(home: Home) {
  const port = await freePort()
  const env = { ...home.env, SKIP_MIGRATION: 'true', PORT: String(port), HOST: '127.0.0.1' }
  const child = spawn(process.execPath, [MAIN, 'serve'], { env, cwd: home.path, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const url = `http://127.0.0.1:${port}`
  const status = (path: string): Promise<number | undefined> =>
    fetch(url + path).then(
      (answer) => answer.status,
      () => undefined,
    )
  await until('it listens', async () => (await status('/health/live')) === 200)
  return {
    url,
    status,
    warnings: () => log.split('\n').filter((line) => line.includes('the schema is older than this program needs')),
    stderr: () => stderr,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      await closed
      return child.exitCode
    },
  }
}

/** The schema of the program before this one. */
async function migrateUpToLast(database: Database): Promise<void> {
  await migrate(database)
  await undoLast(database)
}

const olds: Readonly<Record<string, (database: Database) => Promise<void>>> = {
  'no schema yet': () => Promise.resolve(),
  'a schema older than it needs': migrateUpToLast,
}

for (const [what, prepare] of Object.entries(olds)) {
  testEmpty(`with ${what} and SKIP_MIGRATION a proxy waits, unready, until schema up was run`, async (t, empty) => {
    const home = await homeOf(t, empty)
    await prepare(await empty.open())
    const proxy = await startUnready(home)
    t.after(() => proxy.stop())

    const call = {
      method: 'POST',
      headers: { authorization: 'Bearer tg_whoever' },
      body: '{"model":"x","messages":[]}',
    }
    const answer = await fetch(`${proxy.url}/v1/chat/completions`, call)
    assert.equal(answer.status, 503)
    assert.ok(Number(answer.headers.get('retry-after')) >= 1)
    await answer.body?.cancel()
    await until('it has said what it waits for', () => proxy.warnings().length > 0)
    assert.equal(await proxy.status('/health/ready'), 503)
    assert.equal(await proxy.status('/health/live'), 200)

    const refused = await home.command(['keys', 'list'], { SKIP_MIGRATION: 'true' })
    assert.match(
      refused.stderr,
      new RegExp(`^${variableOf(empty)}: the schema is older .*run tollgate schema up\\.\\n$`),
    )
    assert.equal(refused.status, 1)

    const { status, stderr } = await home.command(['schema', 'up'], { SKIP_MIGRATION: 'true' })
    assert.deepEqual([status, stderr], [0, ''])
    await until('it is ready', async () => (await proxy.status('/health/ready')) === 200)
    assert.equal((await fetch(`${proxy.url}/v1/chat/completions`, call)).status, 401)
    assert.equal(proxy.warnings().length, 1, 'it said so once')
    assert.equal(await proxy.stop(), 0)
    assert.equal(proxy.stderr(), '')
  })
}

testEmpty('SIGTERM ends a proxy that waits for its schema', async (t, empty) => {
  const proxy = await startUnready(await homeOf(t, empty))
  t.after(() => proxy.stop())
  await until('it waits', () => proxy.warnings().length > 0)
  assert.equal(await proxy.stop(), 0)
  assert.equal(proxy.stderr(), '')
})
