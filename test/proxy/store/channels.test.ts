import assert from 'node:assert/strict'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import type { Pool } from '../../../proxy/domain/channel.ts'
import type { ChannelStore } from '../../../proxy/domain/channel-store.ts'
import { ChannelNameTaken, IncompleteOrder, NoSuchChannel } from '../../../proxy/domain/config-refusal.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { channelInput, channelsIn, OAUTH } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'

const NOW = 1_800_000_000_000
const WHOLE: ChannelInput = {
  pool: 'responses',
  name: 'Канал 🚇',
  serviceType: 'openai_chat',
  baseUrl: 'https://api.example/v1',
  website: 'https://example',
  description: "It's ours; $1 :name ? \\",
  status: 'disabled',
  priority: -3,
  models: ['gpt-*', 'o?'],
  keys: ['secret-1', 'secret-2'],
  keyBalance: 'round-robin',
  modelMapping: { opus: 'gpt-9', __proto__: 'x' },
  priceMultipliers: { _default: { input: 1.5, output: 1, cacheWrite: 0.25, cacheRead: 1 } },
  compositeMappings: [{ pattern: 'haiku', targets: ['01234567'], model: null }],
  contentFilter: { isEnabled: false, rules: [{ keyword: 'busy', status: 429 }] },
  headerPolicy: { remove: ['x-a'], set: { 'x-b': 'c' } },
  quota: {
    unit: 'credit',
    limit: Number.MAX_SAFE_INTEGER,
    models: ['gpt'],
    reset: { mode: 'rolling', at: NOW, every: 2, unit: 'weeks' },
  },
  rpm: 60,
  queue: { timeoutMs: 60_000 },
  timeouts: { connectMs: 1, firstByteMs: 2, idleMs: 3 },
  tls: { isInsecure: true, authorities: '-----BEGIN CERTIFICATE-----' },
  oauth: OAUTH,
}

async function make(channels: ChannelStore, name: string, more: Partial<ChannelInput> = {}): Promise<string> {
  return (await channels.create(channelInput({ name, ...more }), NOW)).id
}

async function order(channels: ChannelStore, pool: Pool): Promise<string[]> {
  const all = (await channels.list()).filter((channel) => channel.pool === pool)
  assert.deepEqual(
    all.map(({ position }) => position),
    all.map((_, place) => place + 1),
  )
  return all.map(({ id }) => id)
}

async function secretsOf(channels: ChannelStore, id: string): Promise<readonly string[] | undefined> {
  return (await channels.find(id))?.keys.map(({ secret }) => secret)
}

testEngines('a channel is kept as it was described, with all that can be said of one', async (_t, { database }) => {
  const channels = channelsIn(database)
  for (const input of [WHOLE, channelInput({ quota: { unit: 'requests', limit: 0, models: [], reset: null } })]) {
    const made = await channels.create(input, NOW)
    assert.match(made.id, /^[0-9a-f]{8}$/)
    assert.deepEqual(made, {
      ...input,
      id: made.id,
      keys: input.keys.map((secret, place) => ({ id: made.keys[place]?.id, secret })),
      fault: null,
      position: 1,
      promotionUntil: null,
    })
    assert.deepEqual(await channels.find(made.id), made)
    assert.deepEqual(
      await channelsIn(database)
        .list()
        .then((all) => all.find(({ id }) => id === made.id)),
      made,
    )
  }
  assert.equal(await channels.find('nobody'), undefined)
})

testEngines('a change changes what it names and nothing else, down to nothing at all', async (_t, { database }) => {
  const channels = channelsIn(database)
  const made = await channels.create(WHOLE, NOW)
  const { keys: _, pool: __, ...plain } = channelInput({ name: 'plain' })
  for (const [field, value] of Object.entries(plain)) {
    const before = await channels.find(made.id)
    const changed = await channels.update(made.id, { [field]: value }, NOW)
    assert.deepEqual(changed, { ...before, [field]: value })
    assert.deepEqual(await channels.find(made.id), changed)
  }
  const { keys: ___, pool: ____, ...whole } = WHOLE
  assert.deepEqual(await channels.update(made.id, whole, NOW), made)
  assert.deepEqual(await channels.setStatus(made.id, 'suspended', NOW), { ...made, status: 'suspended' })
})

testEngines('a name is one channel of its pool', async (_t, { database }) => {
  const channels = channelsIn(database)
  const id = await make(channels, 'one')
  const other = await make(channels, 'two')
  await make(channels, 'one', { pool: 'chat' })
  await assert.rejects(make(channels, 'one'), ChannelNameTaken)
  await assert.rejects(channels.update(other, { name: 'one', rpm: 1 }, NOW), ChannelNameTaken)
  assert.equal((await channels.find(other))?.rpm, null)
  await channels.update(id, { name: 'one' }, NOW)
  assert.equal((await channels.list()).length, 3)
})

testEngines('channels are listed by pool and position, which has no gaps', async (_t, { database }) => {
  const channels = channelsIn(database)
  const [a, b, c] = [await make(channels, 'a'), await make(channels, 'b'), await make(channels, 'c')]
  const chat = await make(channels, 'a', { pool: 'chat' })
  assert.deepEqual(
    (await channels.list()).map(({ id }) => id),
    [chat, a, b, c],
  )
  await channels.reorder('messages', [c, a, b])
  assert.deepEqual(await order(channels, 'messages'), [c, a, b])
  await channels.remove(a)
  assert.deepEqual(await order(channels, 'messages'), [c, b])
  const d = await make(channels, 'd')
  assert.deepEqual(await order(channels, 'messages'), [c, b, d])
  for (const ids of [[c, b], [c, b, d, chat], [c, b, b], [c, b, chat], [], [c, b, d, d]]) {
    await assert.rejects(channels.reorder('messages', ids), IncompleteOrder)
  }
  assert.deepEqual([await order(channels, 'messages'), await order(channels, 'chat')], [[c, b, d], [chat]])
})

testEngines('one channel of a pool is promoted', async (_t, { database }) => {
  const channels = channelsIn(database)
  const [a, b, chat] = [
    await make(channels, 'a'),
    await make(channels, 'b'),
    await make(channels, 'c', { pool: 'chat' }),
  ]
  const promoted = async (): Promise<(number | null)[]> =>
    Promise.all([a, b, chat].map(async (id) => (await channels.find(id))?.promotionUntil ?? null))
  await channels.promote(chat, NOW + 1)
  await channels.promote(a, NOW + 2)
  assert.deepEqual(await promoted(), [NOW + 2, null, NOW + 1])
  await channels.promote(b, NOW + 3)
  assert.deepEqual(await promoted(), [null, NOW + 3, NOW + 1])
  await channels.promote(a, null)
  assert.deepEqual(await promoted(), [null, NOW + 3, NOW + 1])
  await channels.promote(b, null)
  assert.deepEqual(await promoted(), [null, null, NOW + 1])
})

testEngines('keys are added once each, moved and removed', async (_t, { database }) => {
  const channels = channelsIn(database)
  const id = await make(channels, 'a', { keys: ['one', 'one', 'two'] })
  const other = await make(channels, 'b', { keys: ['one'] })
  assert.deepEqual(await secretsOf(channels, id), ['one', 'two'])
  assert.equal(await channels.keys.add(id, ['two', 'three', 'three', 'four'], NOW), 2)
  assert.equal(await channels.keys.add(id, ['four'], NOW), 0)
  const [one, two, three] = ((await channels.find(id))?.keys ?? []).map((key) => key.id)
  await channels.keys.move(id, three ?? '', 'top')
  await channels.keys.move(id, one ?? '', 'bottom')
  assert.deepEqual(await secretsOf(channels, id), ['three', 'two', 'four', 'one'])
  await channels.keys.add(id, ['five'], NOW)
  await channels.keys.remove(id, two ?? '')
  assert.deepEqual(await secretsOf(channels, id), ['three', 'four', 'one', 'five'])
  assert.deepEqual(await secretsOf(channels, other), ['one'])
})

testEngines('what is not there cannot be changed, and says so', async (_t, { database }) => {
  const channels = channelsIn(database)
  const id = await make(channels, 'a', { keys: ['one'] })
  const foreign = (await channels.create(channelInput({ name: 'b', keys: ['one'] }), NOW)).keys[0]?.id ?? ''
  const before = await readRevision(database)
  const all = await channels.list()
  for (const work of [
    () => channels.update('nobody', { rpm: 1 }, NOW),
    () => channels.setStatus('nobody', 'active', NOW),
    () => channels.remove('nobody'),
    () => channels.promote('nobody', NOW),
    () => channels.promote('nobody', null),
    () => channels.keys.add('nobody', ['one'], NOW),
    () => channels.keys.remove(id, foreign),
    () => channels.keys.move(id, foreign, 'top'),
    () => channels.keys.remove('nobody', 'nothing'),
  ]) {
    await assert.rejects(work, NoSuchChannel)
  }
  assert.deepEqual([await channels.list(), await readRevision(database)], [all, before])
})

testEngines('a channel goes with its keys and its suspension', async (_t, { database, query }) => {
  const channels = channelsIn(database)
  const suspensions = createSuspensionStore(database)
  const [gone, stays] = [await make(channels, 'a', { keys: ['one'] }), await make(channels, 'b', { keys: ['two'] })]
  for (const id of [gone, stays]) await suspensions.suspend(id, NOW + 1, 'trouble', NOW)
  await channels.remove(gone)
  assert.deepEqual(await query('SELECT DISTINCT channel_id AS id FROM channel_keys'), [{ id: stays }])
  assert.deepEqual(
    (await suspensions.list(NOW)).map(({ channelId }) => channelId),
    [stays],
  )
})

testEngines('running proxies are told of every change of a channel, and of no other', async (_t, { database }) => {
  const channels = channelsIn(database)
  const a = await make(channels, 'a', { keys: ['one', 'two'] })
  const [one = { id: '' }] = (await channels.find(a))?.keys ?? []
  const changes: readonly (readonly [what: string, work: () => Promise<unknown>])[] = [
    ['create', () => make(channels, 'b')],
    ['update', () => channels.update(a, { rpm: 1 }, NOW)],
    ['setStatus', () => channels.setStatus(a, 'disabled', NOW)],
    ['promote', () => channels.promote(a, NOW)],
    ['add', () => channels.keys.add(a, ['three'], NOW)],
    ['move', () => channels.keys.move(a, one.id, 'bottom')],
    ['remove a key', () => channels.keys.remove(a, one.id)],
    ['reorder', async () => channels.reorder('messages', (await order(channels, 'messages')).toReversed())],
    ['remove', () => channels.remove(a)],
  ]
  for (const [what, work] of changes) {
    const before = Number(await readRevision(database))
    await work()
    assert.equal(Number(await readRevision(database)), before + 1, what)
  }
  const before = await readRevision(database)
  await channels.list()
  await channels.find(a)
  await assert.rejects(make(channels, 'b'), ChannelNameTaken)
  assert.equal(await readRevision(database), before)
})

testEngines('what a database refuses of channels is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE channel_keys RENAME TO away')
  const channels = channelsIn(database)
  for (const [operation, work] of [
    ['read the channels', () => channels.list()],
    ['make a channel', () => make(channels, 'a', { keys: ['one'] })],
    ['list the keys of a channel', () => channels.keys.list('a')],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
  assert.deepEqual(await query('SELECT * FROM channels'), [], 'nothing is half made')
})
