import assert from 'node:assert/strict'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import type { ChannelStore } from '../../../proxy/domain/channel-store.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { channelInput, channelsIn, NEW_KEY, OAUTH, OLD_KEY } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'

const NOW = 1_800_000_000_000

async function make(channels: ChannelStore, name: string, more: Partial<ChannelInput> = {}): Promise<string> {
  return (await channels.create(channelInput({ name, ...more }), NOW)).id
}

async function secretsOf(channels: ChannelStore, id: string): Promise<readonly string[] | undefined> {
  return (await channels.find(id))?.keys.map(({ secret }) => secret)
}

testEngines('secrets lie in the database encrypted, and are nowhere else in it', async (_t, { database, query }) => {
  const channels = channelsIn(database)
  const { id } = await channels.create(channelInput({ keys: ['secret-1', 'secret-2'], oauth: OAUTH }), NOW)
  await channels.keys.add(id, ['sk-ant-api03-0123456789'], NOW)
  const stored = JSON.stringify([await query('SELECT * FROM channels'), await query('SELECT * FROM channel_keys')])
  for (const secret of ['secret-1', 'secret-2', 'refresh-secret', 'access-secret', 'api03-0123456789']) {
    assert.ok(!stored.includes(secret), secret)
  }
  assert.equal(stored.match(/v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+/g)?.length, 4)
  assert.deepEqual(
    (await channels.keys.list(id)).map(({ preview, createdAt }) => [preview, createdAt]),
    [
      ['********', NOW],
      ['********', NOW],
      ['sk-ant-a***6789', NOW],
    ],
  )
})

testEngines(
  'what cannot be decrypted is a fault of one channel, and the rest serve',
  async (_t, { database, query }) => {
    const channels = channelsIn(database)
    const whole = await make(channels, 'whole', { keys: ['one'] })
    const half = await make(channels, 'half', { keys: ['one', 'two'] })
    const oauth = await make(channels, 'oauth', { oauth: OAUTH, keys: ['one'] })
    const bare = await make(channels, 'bare')
    const [first, second] = (await channels.find(half))?.keys ?? []
    await query(
      'UPDATE channel_keys SET secret = (SELECT secret FROM channel_keys WHERE id = $1) WHERE id = $2',
      second?.id ?? '',
      first?.id ?? '',
    )
    await query(
      "UPDATE channels SET oauth = 'v1.00000000.0123456789abcdef.0123456789abcdefghijklmn' WHERE id = $1",
      oauth,
    )
    const seen = async (store: ChannelStore) =>
      (await store.list()).map((channel) => [channel.name, channel.keys.length, channel.oauth !== null, channel.fault])
    const { currentKeyId } = createCipher([OLD_KEY])
    const moved = `secrets cannot be decrypted: it was changed or moved since it was encrypted under the key ${currentKeyId}`
    assert.deepEqual(await seen(channels), [
      ['whole', 1, false, null],
      ['half', 0, false, moved],
      ['oauth', 0, false, 'secrets cannot be decrypted: the key 00000000 is missing'],
      ['bare', 0, false, null],
    ])
    // With a wrong key nothing with secrets serves, and everything can be seen and mended.
    const strange = channelsIn(database, createCipher([NEW_KEY]))
    const missing = `secrets cannot be decrypted: the key ${currentKeyId} is missing`
    assert.deepEqual(
      (await seen(strange)).map(([name, , , fault]) => [name, fault === null]),
      [
        ['whole', false],
        ['half', false],
        ['oauth', false],
        ['bare', true],
      ],
    )
    assert.equal((await strange.find(whole))?.fault, missing)
    assert.equal((await strange.update(whole, { rpm: 5 }, NOW)).rpm, 5)
    assert.equal((await strange.keys.list(whole)).length, 1)
    // A key that is given again takes the place of the one that was lost.
    await channels.keys.add(half, ['one', 'two'], NOW)
    await channels.keys.remove(half, first?.id ?? '')
    assert.deepEqual(await secretsOf(channels, half), ['two', 'one'])
    assert.equal((await channels.update(oauth, { oauth: OAUTH }, NOW)).fault, null)
    assert.equal((await channels.find(bare))?.fault, null)
  },
)

testEngines('the key of one channel cannot be given to another behind our back', async (_t, { database, query }) => {
  const channels = channelsIn(database)
  const victim = await make(channels, 'victim', { keys: ['secret'] })
  const thief = await make(channels, 'thief', { baseUrl: 'https://thief.example' })
  await query('UPDATE channel_keys SET channel_id = $1 WHERE channel_id = $2', thief, victim)
  assert.deepEqual(await secretsOf(channels, thief), [])
  assert.match((await channels.find(thief))?.fault ?? '', /changed or moved/)
})

testEngines('a channel of a type that is not served is kept, with the reason', async (_t, { database }) => {
  const made = await channelsIn(database).create(channelInput({ serviceType: 'gemini', keys: ['one'] }), NOW)
  assert.deepEqual([made.fault, made.keys.length], ['channels of the type gemini are not served', 1])
})
