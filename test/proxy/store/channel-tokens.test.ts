import assert from 'node:assert/strict'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { createTokenStore } from '../../../proxy/store/channel-tokens.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { channelInput, channelsIn, NEW_KEY, OAUTH, OLD_KEY } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'
import { until } from '../../support/gateway.ts'

const NOW = 1_800_000_000_000
const cipher = createCipher([OLD_KEY])
const next = { ...OAUTH, refreshToken: 'refresh-next', accessToken: 'access-next' }

testEngines('what an account is renewed to is stored, encrypted, and told to all', async (_t, store) => {
  const { database, query } = store
  const channels = channelsIn(database)
  const { id } = await channels.create(channelInput({ oauth: OAUTH }), NOW)
  const before = Number(await readRevision(database))
  const tokens = createTokenStore(database, cipher)
  const seen: unknown[] = []
  const renewed = await tokens.renew(id, async (stored) => {
    seen.push(stored)
    return next
  })
  assert.deepEqual([seen, renewed], [[OAUTH], next])
  assert.deepEqual((await channels.find(id))?.oauth, next)
  assert.equal(Number(await readRevision(database)), before + 1)
  const [row] = await query<{ oauth: string }>('SELECT oauth FROM channels')
  assert.doesNotMatch(row?.oauth ?? '', /refresh|access/)

  assert.deepEqual(await tokens.renew(id, async (stored) => stored), next)
  assert.equal(Number(await readRevision(database)), before + 1, 'nothing has changed')
})

testEngines('an account that was changed or removed meanwhile stays so', async (_t, { database }) => {
  const channels = channelsIn(database)
  const { id } = await channels.create(channelInput({ oauth: OAUTH }), NOW)
  const tokens = createTokenStore(database, cipher)
  const another = { ...OAUTH, refreshToken: 'refresh-of-another' }
  const change = async (oauth: typeof OAUTH | null) => {
    await channels.update(id, { oauth }, NOW)
    return next
  }
  assert.deepEqual(await tokens.renew(id, () => change(another)), another)
  assert.deepEqual((await channels.find(id))?.oauth, another)
  assert.equal(await tokens.renew(id, () => change(null)), undefined)
  assert.equal((await channels.find(id))?.oauth, null)
  const unexpected = (): never => assert.fail('there is nothing to exchange')
  assert.equal(await tokens.renew(id, unexpected), undefined)
  assert.equal(await tokens.renew('no such', unexpected), undefined)
})

testEngines('an account that was encrypted anew meanwhile is renewed all the same', async (_t, { database }) => {
  const channels = channelsIn(database, createCipher([NEW_KEY, OLD_KEY]))
  const { id } = await channels.create(channelInput({ oauth: OAUTH }), NOW)
  const tokens = createTokenStore(database, createCipher([OLD_KEY, NEW_KEY]))
  const renewed = await tokens.renew(id, async (stored) => {
    await channels.update(id, { oauth: stored }, NOW)
    return next
  })
  assert.deepEqual(renewed, next)
})

testEngines('one replica after the other renews an account', async (_t, { database, openAgain, query }) => {
  if (database.engine === 'sqlite') return // has one
  const { id } = await channelsIn(database).create(channelInput({ oauth: OAUTH }), NOW)
  const replicas = [database, await openAgain(), await openAgain()].map((one) => createTokenStore(one, cipher))
  const waiting = async (): Promise<number | undefined> => {
    const [row] = await query<{ count: number }>(
      `SELECT count(*) AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    return row?.count
  }
  let exchanges = 0
  const told = await Promise.all(
    replicas.map((replica) =>
      replica.renew(id, async (stored) => {
        if (stored.refreshToken !== OAUTH.refreshToken) return stored
        exchanges += 1
        await until('the others wait, or do not', async () => (await waiting()) === 2 || exchanges === 3)
        return next
      }),
    ),
  )
  assert.equal(exchanges, 1)
  assert.deepEqual(told, [next, next, next])
})

testEngines('what an exchange throws is thrown, and what a database refuses is a storage error', async (_t, store) => {
  const { id } = await channelsIn(store.database).create(channelInput({ oauth: OAUTH }), NOW)
  const tokens = createTokenStore(store.database, cipher)
  const refusal = new Error('no')
  await assert.rejects(
    tokens.renew(id, () => Promise.reject(refusal)),
    (error) => error === refusal,
  )
  await store.query('ALTER TABLE channels RENAME TO away')
  await assert.rejects(
    tokens.renew(id, async () => next),
    { name: 'StoreError', kind: 'query', operation: 'renew an account' },
  )
})
