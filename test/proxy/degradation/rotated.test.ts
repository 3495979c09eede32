import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecret } from '../../../proxy/auth/secret.ts'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, untilReady, untilSnapshotLasts } from '../../support/replicas.ts'

test('without the database a gateway that has just started knows both secrets of a key, and when the old one ends', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url, SNAPSHOT_INTERVAL_MS: '3600000' })
  const [overlapping, over] = [await site.createKey(), await site.createKey()]
  const [next, other] = [createSecret(), createSecret()]
  for (const { key } of [overlapping, over]) assert.equal((await replica.call(key)).status, 200)

  await site.keys.rotate(over.id, other, 1)
  await until('the end of an overlap is seen', async () => (await replica.call(over.key)).code === 'key_invalid')
  await site.keys.rotate(overlapping.id, next, 3_600_000)
  await until('the rotation is seen', async () => (await replica.call(next.key)).status === 200)
  await untilSnapshotLasts(replica, (text) => text.includes(next.hash) && text.includes(other.hash))
  faults.refuse()
  await replica.restart('SIGKILL')
  await untilReady(replica)
  for (const { key } of [overlapping, next, other]) assert.equal((await replica.call(key)).status, 200)
  assert.equal((await replica.call(over.key)).code, 'key_invalid')
})
