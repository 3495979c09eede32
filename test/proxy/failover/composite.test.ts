import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CompositeMapping } from '../../../proxy/domain/channel.ts'
import { json } from '../../support/ask.ts'
import { channelInput } from '../../support/channels.ts'
import { until } from '../../support/gateway.ts'
import { attemptsOf, callers, startPools } from '../../support/pools.ts'

const { path, body } = callers.messages

/** For no caller: only a composite sends to it. */
const HIDDEN = ['!*']

const pools = await startPools({
  first: { models: HIDDEN },
  second: { models: HIDDEN, modelMapping: { 'big-model': 'big-model-of-second' } },
  // It has what the composite has not, and comes behind it.
  outside: { priority: 100 },
})
after(() => pools.close())

const idOf = (name: string): string => pools.channels[name]?.id ?? assert.fail(`no channel ${name}`)
const compositeMappings: readonly CompositeMapping[] = [
  { pattern: 'opus', targets: [idOf('first'), idOf('second')], model: 'big-model' },
  { pattern: 'haiku', targets: [idOf('second'), idOf('first')], model: null },
]
await pools.change(async (store) => {
  const models = ['*opus*', '*haiku*', 'claude-unknown']
  await store.create(
    channelInput({ name: 'choice', serviceType: 'composite', baseUrl: '', models, compositeMappings, priority: 1 }),
    Date.now(),
  )
})
await until('the composite is in force', async () => (await ask('claude-unknown')).status === 400)

function ask(model: string) {
  return pools.ask(path, { ...body, model })
}

test('a composite sends each model to its targets in their order, under the name that its mapping says', async () => {
  for (const [model, channel, asked] of [
    ['claude-opus-4', 'first', 'big-model'],
    ['claude-haiku-4', 'second', 'claude-haiku-4'],
  ] as const) {
    const { id, status } = await ask(model)
    assert.equal(status, 200)
    assert.deepEqual(
      pools.seen(id).map(([name, call]) => [name, call.model]),
      [[channel, asked]],
    )
    const entry = await pools.entry(id)
    assert.deepEqual([entry.channel, entry.channel_id, entry.model], [channel, idOf(channel), model])
  }
})

test('when a target fails the next one answers, under its own name for the model', async () => {
  pools.upstream('first').behave({ status: 401 })
  const { id, status } = await ask('claude-opus-4')
  pools.upstream('first').behave({})
  assert.equal(status, 200)
  assert.deepEqual(
    pools.seen(id).map(([name, call]) => [name, call.model]),
    [
      ['first', 'big-model'],
      ['second', 'big-model-of-second'],
    ],
  )
  const { channel, attempts } = await pools.entry(id)
  assert.deepEqual([channel, attemptsOf(attempts)], ['second', ['401 next']])
})

test('a composite is not left: when its targets have failed the last answer is the caller’s', async () => {
  for (const name of ['first', 'second']) {
    pools.upstream(name).behave({ status: 403, error: { type: 'permission_error', message: `not you, says ${name}` } })
  }
  const { id, status, text } = await ask('claude-opus-4')
  for (const name of ['first', 'second']) pools.upstream(name).behave({})
  assert.equal(status, 403)
  assert.deepEqual(json(text)['error'], { type: 'permission_error', message: 'not you, says second' })
  assert.deepEqual(
    pools.seen(id).map(([name]) => name),
    ['first', 'second'],
  )
})

test('a model that a composite serves and has no mapping for is refused, and no other channel is asked', async () => {
  const before = pools.counts()
  const { status, text } = await ask('claude-unknown')
  assert.deepEqual([status, json(text)['code']], [400, 'no_composite_mapping'])
  assert.deepEqual(pools.counts(), before)
})

test('a model that the composite does not serve goes to the other channels', async () => {
  const { id } = await ask('claude-sonnet-4')
  assert.deepEqual(
    pools.seen(id).map(([name]) => name),
    ['outside'],
  )
})

test('that there is no mapping for a model is told also while a channel is suspended: waiting would not help', async () => {
  pools.upstream('outside').behave({ status: 429, error: { type: 'insufficient_quota' } })
  assert.equal((await ask('claude-sonnet-4')).status, 429)
  const { status, text } = await ask('claude-unknown')
  assert.deepEqual([status, json(text)['code']], [400, 'no_composite_mapping'])
})
