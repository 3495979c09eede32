import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { SeenCall } from '../../support/fake-upstream.ts'
import { attemptsOf, callers, startPools } from '../../support/pools.ts'
import { until } from '../../support/gateway.ts'

const { path, body } = callers.messages
const HOUR_MS = 3_600_000

/** Each test has its own models, which nobody else serves but `last`. */
const pools = await startPools({
  third: { models: ['order'], priority: 3 },
  first: { models: ['order'], priority: 1 },
  second: { models: ['order'], priority: 2 },
  familiar: { models: ['talk'], priority: 1 },
  stranger: { models: ['talk'], priority: 2 },
  usual: { models: ['promotion'], priority: 1 },
  promoted: { models: ['promotion'], priority: 2 },
  opus: { models: ['glob-*', '!*-sonnet'] },
  sonnet: { models: ['glob-*', '!glob-opus*'] },
  turns: { models: ['turns'], keys: ['key-1', 'key-2', 'key-3'], keyBalance: 'round-robin' },
  rests: { models: ['rests'], keys: ['key-1', 'key-2'], keyBalance: 'failover' },
  paused: { models: ['status'], status: 'suspended' },
  reserve: { models: ['status'], status: 'disabled' },
  last: { priority: 100 },
})
after(() => pools.close())

/** The channels that saw the call. */
async function channelsOf(model: string, session?: string): Promise<readonly string[]> {
  const metadata = session !== undefined && { metadata: { user_id: `user_a_account_b_session_${session}` } }
  const { id, status } = await pools.ask(path, { ...body, model, ...metadata })
  assert.equal(status, 200)
  return pools.seen(id).map(([channel]) => channel)
}

function idOf(name: string): string {
  return pools.channels[name]?.id ?? assert.fail(`no channel ${name}`)
}

function keysSeen(calls: readonly SeenCall[]): readonly unknown[] {
  return calls.map(({ headers }) => headers['x-api-key'])
}

test('channels are tried by their priority, whatever their place in the list', async () => {
  for (const name of ['first', 'second', 'third']) pools.upstream(name).behave({ status: 401 })
  const { id, status } = await pools.ask(path, { ...body, model: 'order' })
  for (const name of ['first', 'second', 'third']) pools.upstream(name).behave({})
  assert.equal(status, 200)
  const { channel, attempts } = await pools.entry(id)
  assert.equal(channel, 'last')
  const failed = JSON.parse(attempts ?? '[]') as { readonly channel: string }[] // safe: written by the gateway
  assert.deepEqual(
    failed.map((attempt) => attempt.channel),
    ['first', 'second', 'third'],
  )
})

test('a conversation stays on the channel that answered it, while others go by priority', async () => {
  assert.deepEqual(await channelsOf('talk', 'one'), ['familiar'])
  pools.upstream('familiar').behave({ status: 401 })
  assert.deepEqual(await channelsOf('talk', 'two'), ['familiar', 'stranger'])
  pools.upstream('familiar').behave({})
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual(await channelsOf('talk', 'two'), ['stranger'])
    assert.deepEqual(await channelsOf('talk', 'one'), ['familiar'])
    assert.deepEqual(await channelsOf('talk'), ['familiar'])
  }
})

test('a channel that is promoted comes before priority and before the one that knows the conversation', async () => {
  assert.deepEqual(await channelsOf('promotion', 'three'), ['usual'])
  await pools.change((store) => store.promote(idOf('promoted'), Date.now() + HOUR_MS))
  await until('the promotion is in force', async () => (await channelsOf('promotion'))[0] === 'promoted')
  assert.deepEqual(await channelsOf('promotion', 'three'), ['promoted'])

  pools.upstream('promoted').behave({ status: 401 })
  assert.deepEqual(
    (await channelsOf('promotion', 'four')).toSorted(),
    ['promoted', 'usual'],
    'it fails over as others do',
  )
  pools.upstream('promoted').behave({})
  await pools.change((store) => store.promote(idOf('promoted'), null))
  await until('the promotion is over', async () => (await channelsOf('promotion'))[0] === 'usual')
  assert.deepEqual(await channelsOf('promotion', 'three'), ['promoted'], 'which has answered it last')
})

for (const [model, channel] of [
  ['glob-opus-4', 'opus'],
  ['glob-sonnet', 'sonnet'],
  ['GLOB-OPUS', 'opus'],
  ['else', 'last'],
] as const) {
  test(`${model} goes to the channel ${channel}, which serves it by its globs`, async () => {
    assert.deepEqual(await channelsOf(model), [channel])
  })
}

test('keys that take turns are used one after the other', async () => {
  for (let call = 0; call < 6; call++) assert.deepEqual(await channelsOf('turns'), ['turns'])
  assert.deepEqual(keysSeen(pools.upstream('turns').calls), ['key-1', 'key-2', 'key-3', 'key-1', 'key-2', 'key-3'])
})

test('a key that is refused gives way to the next one of its channel, and rests', async () => {
  const { calls } = pools.upstream('rests')
  pools.upstream('rests').behave(({ headers }) => (headers['x-api-key'] === 'key-1' ? { status: 401 } : {}))
  const { id, status } = await pools.ask(path, { ...body, model: 'rests' })
  assert.equal(status, 200)
  const { channel, attempts } = await pools.entry(id)
  assert.deepEqual([channel, attemptsOf(attempts)], ['rests', ['401 again']])
  assert.deepEqual(keysSeen(calls), ['key-1', 'key-2'])

  for (let call = 0; call < 3; call++) assert.deepEqual(await channelsOf('rests'), ['rests'])
  assert.deepEqual(keysSeen(calls).slice(2), ['key-2', 'key-2', 'key-2'], 'nobody else runs into it')
})

test('channels that are suspended or disabled get no calls until they are active', async () => {
  assert.deepEqual(await channelsOf('status'), ['last'])
  for (const name of ['paused', 'reserve']) {
    await pools.change((store) => store.setStatus(idOf(name), 'active', Date.now()))
    await until(`${name} is in use`, async () => (await channelsOf('status'))[0] === name)
    await pools.change((store) => store.setStatus(idOf(name), 'disabled', Date.now()))
    await until(`${name} is not in use`, async () => (await channelsOf('status'))[0] === 'last')
  }
})
