import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, message, question, usage } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const [scene, withDefault] = await Promise.all([startScene(), startScene({ env: { DEFAULT_MODEL: 'glm-4.7' } })])
after(() => Promise.all([scene.close(), withDefault.close()]))

const HOUR_MS = 3_600_000

/** The instant, after a look that it is written as system A wrote it. */
function instant(value: unknown): number {
  const at = Date.parse(String(value))
  assert.equal(value, new Date(at).toISOString())
  return at
}

test('a new key sees its settings and an empty window', async () => {
  const options = ['--name', 'alice', '--token-limit', '1000', '--model', 'glm-4.7', '--expires', '30d']
  const { key } = await scene.home.createKey(options)
  const before = Date.now()
  const { created_at, expiry_date, current_usage, key: prefix, ...stats } = await scene.stats(key)
  assert.deepEqual(stats, {
    name: 'alice',
    model: 'glm-4.7',
    token_limit_per_5h: 1000,
    last_used: null,
    is_expired: false,
    total_lifetime_tokens: 0,
  })
  assert.ok(key.startsWith(String(prefix).slice(0, -1)) && String(prefix).length < 20)
  assert.equal(Math.round((instant(expiry_date) - instant(created_at)) / HOUR_MS), 30 * 24)
  const { window_started_at, window_ends_at, ...window } = json(JSON.stringify(current_usage))
  assert.deepEqual(window, { tokens_used_in_current_window: 0, remaining_tokens: 1000 })
  assert.ok(instant(window_started_at) >= before)
  assert.equal(instant(window_ends_at), instant(window_started_at) + 5 * HOUR_MS)
})

test('what has no value is null, and the model is the one that would be used', async () => {
  const [free, defaulted] = await Promise.all([scene.stats(), withDefault.stats()])
  assert.deepEqual([free['token_limit_per_5h'], free['expiry_date'], free['model']], [null, null, '*'])
  assert.equal(json(JSON.stringify(free['current_usage']))['remaining_tokens'], null)
  assert.equal(defaulted['model'], 'glm-4.7')
})

test('every call counts at once, whatever its protocol, streamed or not, and is the sum of the ledger', async () => {
  const { id, key } = await scene.home.createKey(['--token-limit', '150'])
  const calls: readonly (readonly [path: string, body: object])[] = [
    ['/v1/messages', message],
    ['/v1/messages', { ...message, stream: true }],
    ['/v1/chat/completions', { ...chat, stream: true }],
    ['/v1/responses', { ...question, stream: true }],
  ]
  const used: unknown[] = []
  for (const [path, body] of calls) {
    await scene.ask(path, { key, body, plan: { usage } })
    const stats = await scene.stats(key)
    used.push(json(JSON.stringify(stats['current_usage']))['tokens_used_in_current_window'])
  }
  assert.deepEqual(used, [33, 66, 99, 132])
  await scene.ask('/v1/messages', { key, body: message, plan: { usage } })
  const stats = await scene.stats(key)
  const window = json(JSON.stringify(stats['current_usage']))
  assert.deepEqual([window['tokens_used_in_current_window'], window['remaining_tokens']], [165, 0])
  assert.equal(stats['total_lifetime_tokens'], 165)
  assert.ok(Date.now() - instant(stats['last_used']) < HOUR_MS)

  const sums = await until('all entries', () => {
    const [row] = scene.home.query<{ n: number; spend: number; window: number; lifetime: number }>(
      `SELECT count(*) AS n, sum(spend_tokens) AS spend,
        (SELECT sum(tokens) FROM usage_windows WHERE key_id = ?1) AS window,
        (SELECT lifetime_tokens FROM api_keys WHERE id = ?1) AS lifetime
       FROM request_logs WHERE key_id = ?1`,
      id,
    )
    return row?.n === 5 && row
  })
  assert.deepEqual({ ...sums }, { n: 5, spend: 165, window: 165, lifetime: 165 })
})

test('statistics are read with a key in any of its places, and do not count as a call', async () => {
  const { key } = await scene.home.createKey(['--rpm', '1'])
  const statuses = await Promise.all([
    scene.ask('/stats', { key }),
    scene.ask('/stats', { key: null, headers: { authorization: key } }),
    scene.ask('/stats', { key: null, headers: { 'x-api-key': key } }),
    scene.ask(`/stats?api_key=${key}`, { key: null }),
  ])
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [200, 200, 200, 200],
  )
})

test("statistics are nothing for another site's script", async () => {
  const { headers } = await scene.ask('/stats')
  assert.equal(headers['access-control-allow-origin'], undefined)
})
