import assert from 'node:assert/strict'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { testEngines } from '../../support/database.ts'

const NOW = 1_800_000_000_000

testEngines('a suspension ends by itself, and is told until then', async (_t, { database }) => {
  const suspensions = createSuspensionStore(database)
  await suspensions.suspend('b', NOW + 2, 'QUOTA_EXHAUSTED', NOW)
  await suspensions.suspend('a', NOW + 1, 'CREDIT_EXHAUSTED', NOW - 1)
  assert.deepEqual(await suspensions.list(NOW), [
    { channelId: 'a', suspendedAt: NOW - 1, until: NOW + 1, reason: 'CREDIT_EXHAUSTED' },
    { channelId: 'b', suspendedAt: NOW, until: NOW + 2, reason: 'QUOTA_EXHAUSTED' },
  ])
  assert.deepEqual(
    (await suspensions.list(NOW + 1)).map(({ channelId }) => channelId),
    ['b'],
  )
  assert.deepEqual(await suspensions.list(NOW + 2), [])
})

testEngines('a suspension is made longer, and shorter only where that was asked for', async (_t, { database }) => {
  const suspensions = createSuspensionStore(database)
  const suspend = (until: number, mayShorten?: boolean): Promise<boolean> =>
    suspensions.suspend('a', until, `until ${until}`, NOW, mayShorten)
  const current = async () => (await suspensions.list(NOW)).map(({ until, reason }) => [until, reason])
  assert.equal(await suspend(NOW + 10), true)
  assert.deepEqual([await suspend(NOW + 9), await suspend(NOW + 10)], [false, false])
  assert.deepEqual(await current(), [[NOW + 10, `until ${NOW + 10}`]])
  assert.equal(await suspend(NOW + 11), true)
  assert.deepEqual(await current(), [[NOW + 11, `until ${NOW + 11}`]])
  assert.equal(await suspend(NOW + 5, true), true)
  assert.deepEqual(await current(), [[NOW + 5, `until ${NOW + 5}`]])
  assert.deepEqual([await suspensions.resume('a'), await suspensions.resume('a')], [true, false])
  assert.deepEqual(await current(), [])
})

testEngines('of replicas that meet the same trouble at once one tells the others', async (_t, store) => {
  const { database, openAgain } = store
  const before = Number(await readRevision(database))
  const replicas = [database, await openAgain(), await openAgain()].map(createSuspensionStore)
  const outcomes = await Promise.all(replicas.map((replica) => replica.suspend('a', NOW + 10, 'trouble', NOW)))
  assert.equal(outcomes.filter(Boolean).length, 1)
  assert.equal(Number(await readRevision(database)), before + 1)
  await replicas[0]?.resume('a')
  await replicas[0]?.resume('a')
  assert.equal(Number(await readRevision(database)), before + 2)
})

testEngines('a reason may be whatever an upstream says', async (_t, { database }) => {
  const suspensions = createSuspensionStore(database)
  await suspensions.suspend('a', NOW + 1, `\0${'x'.repeat(5000)}`, NOW)
  assert.deepEqual(
    (await suspensions.list(NOW)).map(({ reason }) => reason),
    ['x'.repeat(254)],
  )
})

testEngines('what a database refuses of suspensions is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE channel_suspensions RENAME TO away')
  const suspensions = createSuspensionStore(database)
  for (const [operation, work] of [
    ['read the suspensions', () => suspensions.list(NOW)],
    ['suspend a channel', () => suspensions.suspend('a', NOW, 'trouble', NOW)],
    ['resume a channel', () => suspensions.resume('a')],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
