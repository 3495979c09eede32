import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ask, type Opened } from '../../support/ask.ts'
import { until } from '../../support/gateway.ts'
import { attemptsOf, callers, startPools } from '../../support/pools.ts'

const { path, body } = callers.messages

const pools = await startPools(
  {
    waits: { models: ['waits'], plan: { status: 429, headers: { 'retry-after': '60' } } },
    fails: { models: ['fails'], plan: { neverAnswer: true, status: 401 } },
    breaks: { models: ['breaks'], plan: { stallAfter: 1, cutAfter: 1 } },
    refuses: { models: ['refuses'], plan: { status: 401 } },
    queued: { models: ['queued'], rpm: 1, queue: { timeoutMs: 60_000 } },
    last: { plan: { stallAfter: 5 } },
  },
  { env: { SSE_HEARTBEAT_MS: '20', CLIENT_GONE_DRAIN_MS: '30000' } },
)
after(() => pools.close())

/** Asks for a stream, and hangs up when `condition` holds and a heartbeat or an answer has come. */
async function askAndHangUp(model: string, condition: (opened: Opened) => unknown): Promise<string> {
  const opened = await pools.open(path, { ...body, model, stream: true })
  await until('the moment to hang up', () => condition(opened))
  opened.hangUp()
  // The gateway reads what happened at its sockets in order: it knows when it has answered this.
  await ask(`${pools.url}/health/live`)
  return opened.id
}

test('who hangs up while a retry waits is not waited for, and no further attempt is made', async () => {
  const id = await askAndHangUp('waits', () => pools.upstream('waits').calls[0]?.ended === 'complete')
  const entry = await pools.entry(id)
  assert.deepEqual(
    [entry.channel, entry.status, entry.http_status, entry.attempts, entry.spend_tokens],
    ['waits', 'client_gone', 499, null, 0],
  )
  assert.deepEqual(
    pools.seen(id).map(([channel]) => channel),
    ['waits'],
  )
})

test('who hangs up in the queue of a channel is closed at once, and nothing is sent', async () => {
  assert.equal((await pools.ask(path, { ...body, model: 'queued' })).status, 200)
  const id = await askAndHangUp('queued', ({ received }) => received().includes('keep-alive'))
  const entry = await pools.entry(id)
  assert.deepEqual([entry.status, entry.error, entry.attempts], ['client_gone', 'client_gone', null])
  assert.deepEqual(pools.seen(id), [])
})

for (const [model, metering] of [
  ['fails', 'exact'],
  ['breaks', 'estimated'],
] as const) {
  test(`when an attempt that is under way ${model} after its caller has hung up, no other one is made`, async () => {
    const id = await askAndHangUp(model, () => pools.upstream(model).held() > 0)
    pools.upstream(model).release()
    const entry = await pools.entry(id)
    assert.deepEqual(
      [entry.channel, entry.status, entry.http_status, entry.attempts, entry.metering],
      [model, 'client_gone', 499, null, metering],
    )
    assert.deepEqual(
      pools.seen(id).map(([channel]) => channel),
      [model],
    )
  })
}

test('who hangs up behind a failover is billed what the answer used to its end', async () => {
  const id = await askAndHangUp('refuses', ({ received }) => {
    return received().includes('text_delta') && pools.upstream('last').held() > 0
  })
  pools.upstream('last').release()
  const entry = await pools.entry(id)
  assert.deepEqual(
    [entry.channel, entry.status, entry.http_status, entry.metering, entry.input_tokens, entry.output_tokens],
    ['last', 'client_gone', 499, 'exact', 25, 50],
  )
  assert.deepEqual(attemptsOf(entry.attempts), ['401 next'])
  assert.equal(pools.upstream('last').calls.at(-1)?.ended, 'complete', 'it was read to its end')
})
