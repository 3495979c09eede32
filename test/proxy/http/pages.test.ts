import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ask, json } from '../../support/ask.ts'
import { message, pick, usage } from '../../support/dialogs.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/gateway.ts'
import { startScene } from '../../support/scene.ts'

const metricsPort = await freePort()
const [scene, apart] = await Promise.all([startScene(), startScene({ env: { METRICS_PORT: String(metricsPort) } })])
after(() => Promise.all([scene.close(), apart.close()]))

test("GET / is system A's JSON for programs", async () => {
  const answers = await Promise.all([
    scene.ask('/', { key: null }),
    scene.ask('/', { key: null, headers: { accept: '*/*' } }),
    scene.ask('/', { key: null, headers: { accept: 'application/json' } }),
  ])
  for (const { status, text, headers } of answers) {
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^application\/json/)
    const { version, ...home } = json(text)
    assert.match(String(version), /^\d+\.\d+\.\d+$/)
    assert.deepEqual(home, {
      name: 'Proxy Gateway',
      endpoints: {
        health: 'GET /health',
        stats: 'GET /stats',
        openai_compatible: 'ALL /v1/* (except /v1/messages)',
        anthropic_compatible: 'POST /v1/messages',
      },
    })
  }
})

test('GET / is a page for a browser', async () => {
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const answer = await scene.ask('/', { key: null, headers })
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['content-type']), /^text\/html/)
  assert.ok(answer.text.startsWith('<!doctype html>') && answer.text.includes('Tollgate'))
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  assert.equal(answer.headers['x-powered-by'], undefined)
})

test('health is told without a key, as system A told it, with the database and the ledger', async () => {
  const { status, text, headers } = await scene.ask('/health', { key: null })
  assert.equal(status, 200)
  const { timestamp, version, schema, database, ledger, ...health } = json(text)
  assert.deepEqual(health, { status: 'ok', storage: { type: 'database', inFallbackMode: false } })
  assert.equal(timestamp, new Date(String(timestamp)).toISOString())
  assert.deepEqual([typeof version, Number(schema) > 0], ['string', true])
  const expected = { type: 'sqlite', connected: true, status: 'healthy' }
  assert.deepEqual(pick(json(JSON.stringify(database)), expected), expected)
  assert.equal(json(JSON.stringify(ledger))['damagedRecords'], 0)
  assert.equal(headers['access-control-allow-origin'], undefined)
  const [live, ready] = await Promise.all([
    scene.ask('/health/live', { key: null }),
    scene.ask('/health/ready', { key: null }),
  ])
  assert.deepEqual([live.status, json(live.text)], [200, { status: 'ok' }])
  assert.deepEqual([ready.status, json(ready.text)], [200, { status: 'ready' }])
})

test('metrics are for admin keys', async () => {
  const { key } = await scene.home.createKey()
  const [none, plain, admin] = await Promise.all([
    scene.ask('/metrics', { key: null }),
    scene.ask('/metrics', { key }),
    scene.ask('/metrics'),
  ])
  assert.deepEqual([none.status, json(none.text)['code']], [401, 'key_missing'])
  assert.equal(plain.status, 403)
  const sentence = 'This page needs an admin key.'
  assert.deepEqual(json(plain.text), {
    error: { message: sentence, type: 'permission_error', param: null, code: 'admin_required' },
    code: 'admin_required',
    message: sentence,
    request_id: plain.id,
  })
  assert.equal(admin.status, 200)
  assert.match(String(admin.headers['content-type']), /^text\/plain; version=0\.0\.4/)
})

test('METRICS_PORT takes metrics to a port of their own, without a key', async () => {
  await apart.ask('/v1/messages', { body: message, plan: { usage } })
  const text = await until('the call is counted', async () => {
    const answer = await ask(`http://127.0.0.1:${metricsPort}/metrics`)
    return answer.text.includes('tollgate_calls_total{') && answer.text
  })
  assert.match(text, /^tollgate_calls_total\{.*endpoint="messages".*status="completed",http_status="200".*\} 1$/m)
  assert.match(text, /^tollgate_tokens_total\{.*kind="input".*\} 10$/m)
  assert.match(text, /^tollgate_tokens_total\{.*kind="cache_read".*\} 4$/m)
  assert.match(text, /^tollgate_tokens_total\{.*kind="output".*\} 20$/m)
  assert.equal((await ask(`http://127.0.0.1:${metricsPort}/v1/models`)).status, 404)
})

test('what a caller makes up becomes no label', async () => {
  const made = ['/v1/made-up-by-a-caller', '/v1/images/made-up-by-a-caller', '/v1/models/made-up-by-a-caller']
  const { key } = await scene.home.createKey(['--allow-endpoint', 'made-up-by-a-caller', 'images/*', 'models'])
  await Promise.all(made.map((path) => scene.ask(path, { key, method: path.includes('models') ? 'GET' : 'POST' })))
  await scene.ask('/v1/messages', { body: { ...message, model: 'made-up-by-a-caller' } })
  const { text } = await scene.ask('/metrics')
  assert.ok(text.includes('endpoint="other"') && text.includes('endpoint="images/*"'))
  assert.ok(!text.includes('made-up-by-a-caller'))
})

test('where there is nothing, that is said with a request id', async () => {
  const paths = ['/nothing', '/v2/messages', '/v1', '/V1/messages', '//v1/messages', '/favicon.ico', '/stats/alice']
  const answers = await Promise.all(paths.flatMap((path) => [scene.ask(path), scene.ask(path, { body: message })]))
  for (const { id, status, text, headers } of answers) {
    assert.equal(status, 404)
    assert.equal(headers['x-request-id'], id)
    const sentence = 'There is nothing here; calls go to paths that begin with /v1/, and GET / lists the endpoints.'
    assert.deepEqual(json(text), {
      error: { message: sentence, type: 'invalid_request_error', param: null, code: 'route_unknown' },
      code: 'route_unknown',
      message: sentence,
      request_id: id,
    })
  }
  assert.deepEqual(
    answers.filter(({ id }) => scene.seen(id)),
    [],
  )
})
