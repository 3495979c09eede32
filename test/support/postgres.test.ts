import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, type ClientConfig } from 'pg'
import { createCertificate } from './certificate.ts'
import { startPgbouncer } from './pgbouncer.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { freshDatabase, startPostgres } from './postgres.ts'

/** The rows that the last of the statements answers. */
async function ask(config: string | ClientConfig, ...statements: string[]): Promise<unknown[]> {
  const client = new Client(config)
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement))
    return rows
  } finally {
    await client.end()
  }
}

test('a server that crashed comes back on its port with what was committed', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  const url = await server.createDatabase()
  await ask(url, 'CREATE TABLE kept (n integer)', 'INSERT INTO kept VALUES (42)')

  await server.stop('immediate')
  assert.equal(server.pid(), undefined)
  await assert.rejects(ask(url, 'SELECT 1'), { code: 'ECONNREFUSED' })

  await server.start()
  assert.equal(typeof server.pid(), 'number')
  assert.deepEqual(await ask(url, 'SELECT n FROM kept'), [{ n: 42 }])

  const copy = await server.createDatabase('copy', new URL(url).pathname.slice(1))
  assert.deepEqual(await ask(copy, 'SELECT n FROM kept'), [{ n: 42 }])
})

test('a wrong password is refused', async () => {
  const url = new URL(await freshDatabase())
  url.password = 'wrong'
  await assert.rejects(ask(url.href, 'SELECT 1'), { code: '28P01' })
})

test('each fresh database is empty and nobody else has it', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
  await ask(one, 'CREATE TABLE mine (n integer)')
  assert.deepEqual(await ask(other, "SELECT 1 FROM pg_tables WHERE tablename = 'mine'"), [])
})

test('a server with a certificate is believed by who knows its authority, and only by them', async (t) => {
  const certificate = await createCertificate()
  t.after(() => certificate.remove())
  const { certificateFile, keyFile, ca } = certificate
  const server = await startPostgres({ ssl: 'on', ssl_cert_file: certificateFile, ssl_key_file: keyFile })
  t.after(() => server.close())
  const connectionString = server.url('postgres')

  const encrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
  assert.deepEqual(await ask({ connectionString, ssl: { ca } }, encrypted), [{ ssl: true }])
  await assert.rejects(ask({ connectionString, ssl: true }, encrypted), /certificate/)
})

test('a server that cannot start says why', async () => {
  await assert.rejects(startPostgres({ shared_buffers: 'many' }), /did not start: .*"shared_buffers"/s)
})

test('where there is no server, the error says how to get one', () => {
  assert.throws(() => findPostgresBinaries([]), /apt-get install postgresql/)
})

test('PgBouncer hands one connection of the server to several clients', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  const bouncer = await startPgbouncer(server)
  t.after(() => bouncer.close())
  const [one] = await ask(bouncer.url('postgres'), 'SELECT pg_backend_pid()')
  const [other] = await ask(bouncer.url('postgres'), 'SELECT pg_backend_pid()')
  assert.deepEqual(one, other)
  await assert.rejects(ask(bouncer.url('postgres').replace(server.password, 'wrong'), 'SELECT 1'))
})
