import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, ask, json } from '../support/ask.ts'
import { message } from '../support/dialogs.ts'
import { startFakeUpstream } from '../support/fake-upstream.ts'
import { createHome, type GatewayProcess, startGateway, until, upstreamEnv } from '../support/gateway.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Replica, type Site, startSite, unknownKey } from '../support/replicas.ts'

const ADMIN_KEY = 'tg_an_admin_key_for_tests'
/** Blank is not set: the guard is on unless switched off. */
const GUARDED = { AUTH_GUARD_ENABLED: '' }
const TRUSTING = { ...GUARDED, TRUSTED_PROXIES: '127.0.0.1' }
const from = (address: string) => ({ 'x-forwarded-for': address })

/** Guesses so many keys, each of which is looked up. */
async function guess(replica: Replica, times: number, address: string): Promise<void> {
  for (let time = 0; time < times; time++) {
    assert.equal((await replica.call(unknownKey(), from(address))).code, 'key_invalid')
  }
}

/** A good key that is new to a replica is no wrong one, and so tells whether the address is blocked there. */
async function isBlocked(site: Site, replica: Replica, address: string): Promise<boolean> {
  const { key } = await site.createKey()
  return (await replica.call(key, from(address))).code === 'address_blocked'
}

test('who guesses keys at one replica is soon blocked at the others, and nobody else is', async (t) => {
  const site = await startSite(t, await freshDatabase(), TRUSTING)
  const [one, other] = [await site.startReady(), await site.startReady()]
  const { key } = await site.createKey()
  for (const replica of [one, other]) assert.equal((await replica.call(key)).status, 200)

  await guess(one, 5, '198.51.100.1')
  const refused = await one.call(unknownKey(), from('198.51.100.1'))
  assert.deepEqual([refused.status, refused.code], [429, 'address_blocked'])
  const seconds = Number(refused.headers['retry-after'])
  assert.ok(seconds > 30 && seconds <= 60, `${seconds} s`)

  await until('the other replica knows', () => isBlocked(site, other, '198.51.100.1'))
  for (const replica of [one, other]) {
    assert.equal((await replica.call(key, from('198.51.100.1'))).status, 200, 'a key in memory passes')
    assert.equal(await isBlocked(site, replica, '198.51.100.2'), false)
  }
})

test('what two replicas count is added up', async (t) => {
  const site = await startSite(t, await freshDatabase(), TRUSTING)
  const [one, other] = [await site.startReady(), await site.startReady()]
  await guess(one, 3, '2001:db8:1:2::1')
  await guess(other, 2, '2001:db8:1:2:3::4')
  for (const replica of [one, other]) {
    await until('the replica knows', () => isBlocked(site, replica, '2001:db8:1:2::5'))
  }
  assert.deepEqual(await site.query('SELECT address, failures FROM tollgate.auth_blocks'), [
    { address: '2001:db8:1:2::/64', failures: 5 },
  ])
})

test('while the database is away the guard goes on by itself, and tells afterwards', async (t) => {
  const site = await startSite(t, await freshDatabase(), TRUSTING)
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url })
  const { key } = await site.createKey()
  assert.equal((await replica.call(key)).status, 200)
  const wrong = unknownKey()
  assert.equal((await replica.call(wrong, from('198.51.100.1'))).code, 'key_invalid')
  await until('the database knows', async () => (await failuresOf(site)) === 1)

  faults.refuse()
  await until('the outage is seen', async () => {
    return (await replica.call(unknownKey(), from('198.51.100.9'))).code === 'storage_unavailable'
  })
  // Not a key for certain, with the database or without.
  for (let time = 0; time < 9; time++) await replica.call('not a key', from('198.51.100.1'))
  assert.equal((await replica.call(unknownKey(), from('198.51.100.1'))).code, 'address_blocked')
  assert.equal((await replica.call(unknownKey(), from('198.51.100.9'))).code, 'storage_unavailable')
  assert.equal((await replica.call(key, from('198.51.100.1'))).status, 200)

  faults.heal()
  await until('the database knows', async () => (await failuresOf(site)) === 5)
})

async function failuresOf(site: Site): Promise<number | undefined> {
  const [row] = await site.query<{ failures: number }>('SELECT failures FROM tollgate.auth_blocks')
  return row?.failures
}

test('without trusted proxies nobody hides behind a header, and pages are guarded as well', async (t) => {
  const site = await startSite(t, await freshDatabase(), GUARDED)
  const replica = await site.startReady()
  for (let host = 1; host <= 5; host++) await guess(replica, 1, `198.51.100.${host}`)
  assert.equal((await replica.call(unknownKey(), from('198.51.100.6'))).code, 'address_blocked')
  const page = await replica.get('/stats', unknownKey())
  assert.deepEqual([page.status, page.body['code']], [429, 'address_blocked'])
  assert.equal((await replica.get('/stats')).body['code'], 'key_missing')
})

test('without the guard a wrong key is a wrong key', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const replica = await site.startReady({ AUTH_GUARD_ENABLED: 'false' })
  await guess(replica, 30, '198.51.100.1')
})

function callAt(gateway: GatewayProcess, key: string): Promise<Answer> {
  return ask(`${gateway.url}/v1/messages`, { body: message, headers: { 'x-api-key': key } })
}

async function codesAt(gateway: GatewayProcess, calls: number): Promise<unknown[]> {
  const codes: unknown[] = []
  for (let call = 0; call < calls; call++) codes.push(json((await callAt(gateway, unknownKey())).text)['code'])
  return codes
}

const FIVE_WRONG = Array<string>(5).fill('key_invalid')

test('a block outlives a restart with SQLite, is counted, and is logged once and without a key', async (t) => {
  const upstream = await startFakeUpstream()
  const home = await createHome({ ...upstreamEnv(upstream.url), ...GUARDED, ADMIN_API_KEY: ADMIN_KEY })
  t.after(() => Promise.all([upstream.close(), home.remove()]))
  const first = await startGateway(home)
  t.after(() => first.stop('SIGKILL'))
  const { key: used } = await home.createKey()
  for (const key of [used, ADMIN_KEY]) assert.equal((await callAt(first, key)).status, 200)
  assert.deepEqual(await codesAt(first, 7), [...FIVE_WRONG, 'address_blocked', 'address_blocked'])
  const { text } = await ask(`${first.url}/metrics`, { headers: { 'x-api-key': ADMIN_KEY } })
  assert.match(text, /^tollgate_auth_failures_total 5$/m)
  assert.match(text, /^tollgate_auth_blocked_total 2$/m)
  await until('it is written', () => home.query('SELECT * FROM auth_blocks WHERE failures = 5').length === 1)
  const told = first.log.filter(({ msg }) => msg.startsWith('an address is blocked'))
  assert.deepEqual(
    told.map(({ level, address, failures }) => ({ level, address, failures })),
    [{ level: 30, address: '127.0.0.1', failures: 5 }],
  )
  assert.ok(!JSON.stringify(first.log).includes('tg_'))
  await first.stop()

  const second = await startGateway(home)
  t.after(() => second.stop('SIGKILL'))
  await until('it has read them', async () => {
    // The key is good, and no longer in memory.
    const answer = await callAt(second, (await home.createKey()).key)
    return answer.status === 429 && json(answer.text)['code'] === 'address_blocked'
  })
  for (const key of [used, ADMIN_KEY]) assert.equal((await callAt(second, key)).status, 200, 'it was in use')
})

test('with a key file the guard is of the process', async (t) => {
  const upstream = await startFakeUpstream()
  const home = await createHome({ ...upstreamEnv(upstream.url), ...GUARDED })
  t.after(() => Promise.all([upstream.close(), home.remove()]))
  await writeFile(join(home.path, 'apikeys.json'), JSON.stringify({ keys: [] }))
  const gateway = await startGateway(home)
  t.after(() => gateway.stop('SIGKILL'))
  assert.deepEqual(await codesAt(gateway, 6), [...FIVE_WRONG, 'address_blocked'])
})
