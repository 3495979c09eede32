import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { json } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { type PooledChannel, type Pools, startPools } from '../../support/pools.ts'

async function started(t: TestContext, channels: Readonly<Record<string, PooledChannel>>): Promise<Pools> {
  const pools = await startPools(channels)
  t.after(() => pools.close())
  return pools
}

test('a channel that has had its requests of the minute is passed by', async (t) => {
  const pools = await started(t, { first: { rpm: 2 }, second: { rpm: 1 } })
  const answers = []
  for (let turn = 0; turn < 4; turn++) answers.push(await pools.ask('/v1/messages', message))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 429],
  )
  assert.deepEqual(pools.counts(), { first: 2, second: 1 })
  const last = answers[3] ?? assert.fail()
  assert.equal(json(last.text)['code'], 'channel_busy')
  assert.equal(last.headers['retry-after'], '1')
  const entry = await pools.entry(last.id)
  assert.deepEqual([entry.status, entry.http_status, entry.error], ['failed', 429, 'channel_busy'])
})

test('a request is not used up by a call whose quota is', async (t) => {
  const quota = { unit: 'requests', limit: 1, models: ['opus'], reset: null } as const
  const pools = await started(t, { only: { rpm: 2, quota } })
  const statuses = []
  for (const model of ['claude-opus-5', 'claude-opus-5', 'claude-haiku', 'claude-haiku']) {
    statuses.push((await pools.ask('/v1/messages', { ...message, model })).status)
  }
  assert.deepEqual(statuses, [200, 429, 200, 429])
})

test('a call waits in the queue of a channel for as long as that lets it', async (t) => {
  const pools = await started(t, { first: { rpm: 1, queue: { timeoutMs: 300 } }, second: {} })
  const start = performance.now()
  const answers = await Promise.all(Array.from({ length: 3 }, () => pools.ask('/v1/messages', message)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.deepEqual(pools.counts(), { first: 1, second: 2 })
  // A timer counts in whole milliseconds, and from the beginning of its turn.
  assert.ok(performance.now() - start > 250, 'nobody waited')
})
