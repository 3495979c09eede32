import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { channelInput, channelsIn, OLD_KEY } from '../../support/channels.ts'
import { postgresSettings } from '../../support/database.ts'
import { json } from '../../support/ask.ts'
import { type Behaviour, startFakeUpstream } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { callers, startPools } from '../../support/pools.ts'
import { type Replica, startSite } from '../../support/replicas.ts'

const HOUR = '3600000'

/** Two gateways with a channel of their own before that of their environment, and a key to both. */
async function startTwo(t: TestContext) {
  const site = await startSite(t, await freshDatabase(), {
    ENCRYPTION_KEY: OLD_KEY.toString('hex'),
    FAILOVER_DEADLINE_MS: '',
    CONFIG_POLL_INTERVAL_MS: HOUR, // what is known at once was told
  })
  const upstream = await startFakeUpstream()
  t.after(() => upstream.close())
  const database = await openPostgres(postgresSettings(site.databaseUrl))
  t.after(() => database.close())
  const input = channelInput({ name: 'own', baseUrl: upstream.url, keys: ['upstream-secret'], priority: 1 })
  const { id } = await channelsIn(database).create(input, Date.now())
  const { key } = await site.createKey()
  const one = await site.startReady()
  const other = await site.startReady()

  /** Whether a call through this gateway goes to the channel. */
  const usesIt = async (replica: Replica): Promise<boolean> => {
    const before = upstream.calls.length
    assert.equal((await replica.call(key)).status, 200)
    return upstream.calls.length > before
  }
  return { site, upstream, id, one, other, usesIt, suspensions: createSuspensionStore(database) }
}

const troubles: Readonly<Record<string, { readonly plan: Partial<Behaviour>; readonly calls: number }>> = {
  'a channel whose account has nothing left': {
    plan: { status: 429, error: { type: 'insufficient_quota' } },
    calls: 1,
  },
  // With the one that went well these are as many as it takes to judge.
  'a channel whose calls went badly': { plan: { status: 401 }, calls: 4 },
}

for (const [what, { plan, calls }] of Object.entries(troubles)) {
  test(`${what} on one gateway is left alone by all, until it is resumed`, async (t) => {
    const { site, upstream, id, one, other, usesIt, suspensions } = await startTwo(t)
    for (const gateway of [one, other]) assert.ok(await usesIt(gateway))

    upstream.behave(plan)
    for (let call = 0; call < calls; call++) assert.ok(await usesIt(one), 'it is tried first')
    upstream.behave({})
    assert.equal(await usesIt(one), false)
    await until('the other gateway knows', async () => !(await usesIt(other)))
    assert.equal(await usesIt(one), false)

    assert.ok(await suspensions.resume(id))
    for (const gateway of [one, other]) await until('it is in use again', () => usesIt(gateway))
    await site.expectExactLedger()
  })
}

test('while every channel for a call is left alone, its caller is told for how long', async (t) => {
  const plan = { status: 429, error: { type: 'insufficient_quota' } }
  const pools = await startPools({ only: { plan }, paused: { status: 'suspended' } })
  t.after(() => pools.close())
  const { path, body } = callers.messages
  assert.equal((await pools.ask(path, body)).status, 429)
  const { status, headers, text } = await pools.ask(path, body)
  assert.deepEqual([status, json(text)['code'], pools.counts()], [503, 'channels_unavailable', { only: 1, paused: 0 }])
  const seconds = Number(headers['retry-after'])
  assert.ok(seconds > 290 && seconds <= 300, `Retry-After: ${seconds}`)
})

test('a channel that an administrator suspends is left alone by all gateways, and those that start later', async (t) => {
  const { site, id, one, other, usesIt, suspensions } = await startTwo(t)
  await suspensions.suspend(id, Date.now() + Number(HOUR), 'maintenance', Date.now())
  for (const gateway of [one, other]) await until('it is left alone', async () => !(await usesIt(gateway)))
  assert.equal(await usesIt(await site.startReady()), false)
  await suspensions.resume(id)
  for (const gateway of [one, other]) await until('it is in use again', () => usesIt(gateway))
})
