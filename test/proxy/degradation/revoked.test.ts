import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, untilReady, untilSnapshotLasts } from '../../support/replicas.ts'

test('a key that was seen to be revoked is in no snapshot any more, whatever ends the gateway then', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url, SNAPSHOT_INTERVAL_MS: '3600000' })
  const [kept, revoked] = [await site.createKey(), await site.createKey()]
  for (const { key } of [kept, revoked]) assert.equal((await replica.call(key)).status, 200)
  await site.expectExactLedger()
  await replica.restart()
  await untilReady(replica)

  await site.keys.setStatus(revoked.id, 'revoked')
  await until('the revocation is seen', async () => (await replica.call(revoked.key)).code === 'key_revoked')
  // The one from before has gone before the first refusal.
  await untilSnapshotLasts(replica, (text) => text !== '')
  faults.refuse()
  await replica.restart('SIGKILL')
  await untilReady(replica)
  assert.equal((await replica.call(kept.key)).status, 200)
  assert.equal((await replica.call(revoked.key)).code, 'key_revoked')
})
