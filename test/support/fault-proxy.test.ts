import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { Client, type ClientConfig, Pool, Query } from 'pg'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { until } from './gateway.ts'
import { freshDatabase } from './postgres.ts'

let url: string
let direct: Pool
before(async () => {
  url = await freshDatabase()
  direct = new Pool({ connectionString: url, max: 2 })
  await direct.query('CREATE TABLE noted (what text)')
})

after(() => direct.end())

async function proxyOf(t: TestContext): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ port: Number(new URL(url).port) })
  t.after(() => proxy.close())
  return proxy
}

/** A client whose connection is expected to break, through the proxy. */
async function connect(proxy: FaultProxy, options: ClientConfig = {}): Promise<Client> {
  const through = new URL(url)
  through.port = String(proxy.port)
  const client = new Client({ connectionString: through.href, ...options })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function isNoted(what: string): Promise<boolean> {
  return direct.query('SELECT 1 FROM noted WHERE what = $1', [what]).then(({ rowCount }) => rowCount === 1)
}

/** Whether the promise is still not settled when the server has answered somebody else many times. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const settle = () => (pending = false)
  promise.then(settle, settle)
  for (let i = 0; i < 50; i++) await direct.query('SELECT 1')
  return pending
}

const broken = /ECONNRESET|EPIPE|not queryable|Connection terminated/

test('without a fault all bytes pass both ways, as many as there are', async (t) => {
  const proxy = await proxyOf(t)
  const client = await connect(proxy)
  assert.equal(proxy.connections(), 1)
  const text = 'x'.repeat(8_000_000)
  const { rows } = await client.query('SELECT $1::text AS text', [text])
  assert.ok(rows[0].text === text)
  await client.end()
  await until('the connection is gone', () => proxy.connections() === 0)
})

test('a slow network delays answers, and healed gives them at once', async (t) => {
  const proxy = await proxyOf(t)
  const client = await connect(proxy)
  proxy.delay(1)
  await client.query('SELECT 1')
  proxy.delay(3_600_000)
  const answer = client.query('SELECT 1 AS n')
  assert.ok(await isPending(answer))
  proxy.heal()
  assert.deepEqual((await answer).rows, [{ n: 1 }])
  await client.end()
})

test('in a black hole nothing is answered, and healed it resets whom it robbed and nobody else', async (t) => {
  const proxy = await proxyOf(t)
  const [robbed, idle] = [await connect(proxy), await connect(proxy)]
  proxy.drop()
  const answer = robbed.query("INSERT INTO noted VALUES ('dropped')")
  assert.ok(await isPending(answer))
  await assert.rejects(connect(proxy, { connectionTimeoutMillis: 50 }), /timeout/)

  proxy.heal()
  await assert.rejects(answer, broken)
  assert.equal(await isNoted('dropped'), false)
  await idle.query('SELECT 1')
  await idle.end()
  await (await connect(proxy)).end()
})

test('a refusing proxy resets the connections that are there and those that come', async (t) => {
  const proxy = await proxyOf(t)
  const client = await connect(proxy)
  proxy.refuse()
  await assert.rejects(client.query('SELECT 1'), broken)
  await assert.rejects(connect(proxy), broken)
  assert.equal(proxy.connections(), 0)
  proxy.heal()
  await (await connect(proxy)).end()
})

test('an answer is cut off in its middle', async (t) => {
  const proxy = await proxyOf(t)
  const client = await connect(proxy)
  proxy.truncate(100)
  const rows: unknown[] = []
  const query = new Query('SELECT generate_series(1, 1000) AS n')
  query.on('row', (row) => rows.push(row))
  const failed = new Promise((_resolve, reject) => query.on('error', reject))
  client.query(query)
  await assert.rejects(failed, broken)
  assert.ok(rows.length > 0 && rows.length < 10)
  proxy.heal()
})

test('an answer is cut although the server has done what it was asked', async (t) => {
  const proxy = await proxyOf(t)
  const [writer, reader] = [await connect(proxy), await connect(proxy)]
  proxy.cutAnswers('INSERT INTO')
  await reader.query('SELECT 1')
  await assert.rejects(writer.query('INSERT INTO noted VALUES ($1)', ['cut']), broken)
  assert.ok(await isNoted('cut'))

  proxy.cutAnswers()
  await assert.rejects(reader.query("INSERT INTO noted VALUES ('any')"), broken)
  assert.ok(await isNoted('any'))
  await assert.rejects(connect(proxy), broken)
})

test('a transaction is committed although its COMMIT is never answered', async (t) => {
  const proxy = await proxyOf(t)
  const client = await connect(proxy)
  proxy.cutAnswers('COMMIT')
  await client.query('BEGIN')
  await client.query("INSERT INTO noted VALUES ('committed')")
  assert.equal(await isNoted('committed'), false)
  await assert.rejects(client.query('COMMIT'), broken)
  assert.ok(await isNoted('committed'))
})
