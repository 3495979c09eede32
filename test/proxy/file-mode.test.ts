import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ask, json } from '../support/ask.ts'
import { message } from '../support/dialogs.ts'
import { startFakeUpstream } from '../support/fake-upstream.ts'
import { createHome, type Env, startGateway, until, upstreamEnv } from '../support/gateway.ts'
import { RECORD_OF_A } from '../support/key-file.ts'

const SPEND = 75

interface FileRecord {
  readonly key: string
  readonly last_used: string
  readonly total_lifetime_tokens: number
  readonly usage_windows: readonly { readonly window_start: string; readonly tokens_used: number }[]
}

/** A gateway on a key file as system A left it. */
async function startOnFile(t: TestContext, records: readonly object[], variables: (path: string) => Env = () => ({})) {
  const upstream = await startFakeUpstream()
  t.after(() => upstream.close())
  const home = await createHome({ ...upstreamEnv(upstream.url), LEDGER_COMMIT_INTERVAL_MS: '20' })
  const path = join(home.path, 'apikeys.json')
  const save = (keys: readonly object[]): void => writeFileSync(path, JSON.stringify({ keys }, null, 2))
  save(records)
  let gateway = await startGateway(home, variables(path))
  t.after(async () => {
    await gateway.stop('SIGKILL')
    await home.remove()
  })
  const read = () => (JSON.parse(readFileSync(path, 'utf8')) as { keys: FileRecord[] }).keys // safe: system A's format
  return {
    home,
    upstream,
    save,
    read,
    record: (key: string) => read().find((record) => record.key === key),
    call: (key: string) =>
      ask(`${gateway.url}/v1/messages`, { body: message, headers: { authorization: `Bearer ${key}` } }),
    get: async (page: string, key?: string) => {
      const { status, text } = await ask(gateway.url + page, key === undefined ? {} : { headers: { 'x-api-key': key } })
      return { status, body: json(text) }
    },
    restart: async (signal: NodeJS.Signals) => {
      await gateway.stop(signal)
      gateway = await startGateway(home, variables(path))
    },
  }
}

const ways: Readonly<Record<string, (path: string) => Env>> = {
  'the file is there': () => ({}),
  'STORAGE_TYPE=file': () => ({ STORAGE_TYPE: 'file' }),
  DATA_FILE: (path) => ({ DATA_FILE: path }),
}

for (const [way, variables] of Object.entries(ways)) {
  test(`serve takes the key file of system A (${way}), and /stats is as it was`, async (t) => {
    const { call, get, record, home } = await startOnFile(t, [RECORD_OF_A], variables)
    const { status, body } = await get('/stats', RECORD_OF_A.key)
    assert.equal(status, 200)
    const { current_usage, ...rest } = body
    assert.deepEqual(rest, {
      key: 'pk…',
      name: 'alice',
      model: 'glm-4.7',
      token_limit_per_5h: 100_000,
      expiry_date: '2099-12-31T23:59:59.000Z',
      created_at: '2026-01-18T00:00:00.000Z',
      last_used: '2026-01-18T10:00:00.000Z',
      is_expired: false,
      total_lifetime_tokens: 150,
    })
    const usage = current_usage as Record<string, unknown> // safe: the contract of /stats
    assert.deepEqual([usage['tokens_used_in_current_window'], usage['remaining_tokens']], [0, 100_000])

    assert.equal((await call(RECORD_OF_A.key)).status, 200)
    await until('the call is counted', () => record(RECORD_OF_A.key)?.total_lifetime_tokens === 150 + SPEND)
    const health = await get('/health')
    assert.deepEqual(
      [health.status, health.body['status'], health.body['storage']],
      [200, 'ok', { type: 'file', inFallbackMode: false }],
    )
    assert.equal((health.body['database'] as { type: string }).type, 'file') // safe: the contract of /health
    const listed = await home.cli(['keys', 'list'], variables(join(home.path, 'apikeys.json')))
    assert.equal(listed.status, 1)
    assert.match(listed.stderr, /^DATA_FILE: [^\n]+\n$/)
  })
}

test('a key file refuses as system A did', async (t) => {
  const now = Date.now()
  const { call } = await startOnFile(t, [
    { ...RECORD_OF_A, key: 'pk_expired', expiry_date: '2026-01-19T00:00:00Z' },
    {
      ...RECORD_OF_A,
      key: 'pk_exhausted',
      token_limit_per_5h: 100,
      usage_windows: [{ window_start: new Date(now - 60_000).toISOString(), tokens_used: 100 }],
    },
  ])
  const unknown = await call('pk_unknown')
  assert.deepEqual([unknown.status, json(unknown.text)['error']], [401, 'Invalid API key'])
  const expired = await call('pk_expired')
  assert.deepEqual([expired.status, json(expired.text)['error']], [403, 'API key expired on 2026-01-19T00:00:00.000Z'])
  const exhausted = await call('pk_exhausted')
  const { error } = json(exhausted.text) as { error: Record<string, unknown> } // safe: system A's shape
  assert.equal(exhausted.status, 429)
  assert.deepEqual(
    [error['message'], error['type'], error['tokens_used'], error['tokens_limit']],
    ['Token limit exceeded for 5-hour window', 'rate_limit_exceeded', 100, 100],
  )
  assert.ok(Number(exhausted.headers['retry-after']) > 4 * 3600)
})

test('calls are counted into the key file once, whatever ends the gateway', async (t) => {
  const { call, record, restart, upstream, get } = await startOnFile(t, [{ ...RECORD_OF_A, usage_windows: [] }])
  const { key } = RECORD_OF_A
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(key)))
    assert.ok(answers.every(({ status }) => status === 200))
    await restart(signal)
  }
  const spent = SPEND * upstream.calls.length
  await until('every call is counted', () => (record(key)?.total_lifetime_tokens ?? 0) >= 150 + spent)
  await restart('SIGTERM')
  const { total_lifetime_tokens, usage_windows = [] } = record(key) ?? {}
  assert.equal(total_lifetime_tokens, 150 + spent)
  assert.equal(
    usage_windows.reduce((sum, { tokens_used }) => sum + tokens_used, 0),
    spent,
  )
  const { body } = await get('/stats', key)
  assert.equal(body['total_lifetime_tokens'], 150 + spent)
  assert.equal((body['current_usage'] as Record<string, unknown>)['tokens_used_in_current_window'], spent) // safe: /stats
})

test('a hand edit of the key file is in force without a restart', async (t) => {
  const { call, save, read, record } = await startOnFile(t, [RECORD_OF_A])
  const added = { ...RECORD_OF_A, key: 'pk_bob', name: 'bob', usage_windows: [], total_lifetime_tokens: 0 }
  assert.equal((await call(added.key)).status, 401)
  assert.equal((await call(RECORD_OF_A.key)).status, 200)
  await until('the call is counted', () => record(RECORD_OF_A.key)?.total_lifetime_tokens === 150 + SPEND)

  save([...read(), added])
  await until('the new key works', async () => (await call(added.key)).status === 200)
  save(read().filter(({ key }) => key !== RECORD_OF_A.key))
  await until('the key that is gone is refused', async () => (await call(RECORD_OF_A.key)).status === 401)
  await until('the new key is counted', () => (record(added.key)?.total_lifetime_tokens ?? 0) >= SPEND)
  assert.equal(record(RECORD_OF_A.key), undefined)
})
