import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { channelInput, channelsIn, OLD_KEY } from '../../support/channels.ts'
import { postgresSettings } from '../../support/database.ts'
import { startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'
import { account, startTokenEndpoint } from '../../support/token-endpoint.ts'

test('replicas exchange a refresh token once, and lose none that was given for it', async (t) => {
  const env = { ENCRYPTION_KEY: OLD_KEY.toString('hex'), ANTHROPIC_API_KEY: '', FAILOVER_DEADLINE_MS: '' }
  const fleet = await startFleet(t, 3, env)
  const endpoint = await startTokenEndpoint(t)
  const database = await openPostgres(postgresSettings(fleet.url))
  t.after(() => database.close())
  const channels = channelsIn(database)
  const { key } = await fleet.createKey({})
  const input = channelInput({ baseUrl: fleet.upstream.url, oauth: account(endpoint) })
  const { id } = await channels.create(input, Date.now())
  const callAll = () => Promise.all(fleet.gateways.map((gateway) => fleet.call(gateway, key, 1)))
  await until('all know the channel', async () => (await callAll()).every(({ status }) => status === 200))
  assert.equal(endpoint.asked.length, 1)

  for (let round = 1; round <= 3; round++) {
    const before = await channels.find(id)
    assert.equal(before?.oauth?.refreshToken, `refresh-${round}`)
    await channels.update(id, { oauth: { ...before.oauth, expiresAt: Date.now() - 1 } }, Date.now())
    await until('all have heard of it', async () => {
      const answers = await callAll()
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      )
      return endpoint.asked.length > round
    })
    assert.equal(endpoint.asked.length, round + 1)
  }
  const used = new Set(fleet.upstream.calls.map(({ headers }) => headers.authorization))
  assert.deepEqual(used, new Set([1, 2, 3, 4].map((serial) => `Bearer access-${serial}`)))
})
