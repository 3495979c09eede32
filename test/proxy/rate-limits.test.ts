import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, json } from '../support/ask.ts'
import { startFleet } from '../support/fleet.ts'
import { until } from '../support/gateway.ts'

const ADMIN_KEY = 'tg_an_admin_key_for_tests'
const admin = { authorization: `Bearer ${ADMIN_KEY}` }
const off = { enabled: false, requestsPerMinute: 100 }
const RPM = 20

test('rate limits that are set at one replica are in force on all, which share them', async (t) => {
  const fleet = await startFleet(t, 2, { ADMIN_API_KEY: ADMIN_KEY, AUTH_GUARD_ENABLED: 'true' })
  const [first = assert.fail(), second = assert.fail()] = fleet.gateways
  const set = async (limits: object): Promise<void> => {
    const body = { api: off, portal: off, authFailure: { enabled: false, thresholds }, ...limits }
    const { status, text } = await ask(`${first.url}/api/ratelimit`, { method: 'PUT', headers: admin, body })
    assert.equal(status, 200, text)
  }
  const thresholds = [{ failures: 2, blockMinutes: 1440 }]
  const guess = async (url: string): Promise<unknown> =>
    json((await ask(`${url}/stats`, { headers: { authorization: 'Bearer tg_wrong' } })).text)['code']
  const { key } = await fleet.createKey({})

  assert.deepEqual((await fleet.call(second, key, 1)).headers['x-ratelimit-limit'], undefined)
  await set({ api: { enabled: true, requestsPerMinute: RPM }, authFailure: { enabled: true, thresholds } })
  await until('the limit is in force', async () => {
    return (await fleet.call(second, key, 1)).headers['x-ratelimit-limit'] === String(RPM)
  })
  let served = 1
  for (let call = 0; call < 2 * RPM; call++) {
    const { status } = await fleet.call(call % 2 === 0 ? first : second, key, 1)
    if (status === 200) served += 1
    else assert.equal(status, 429)
  }
  assert.ok(Math.abs(served - RPM) <= 1, `${served} of ${RPM} calls went through`)

  await until('two wrong keys block', async () => (await guess(second.url)) === 'address_blocked')
  await set({})
  await until('nobody is blocked', async () => (await guess(second.url)) === 'key_invalid')
  await until('calls are not limited', async () => (await fleet.call(second, key, 1)).status === 200)

  await set({ portal: { enabled: true, requestsPerMinute: 1 } })
  const audit = async (): Promise<number> => (await ask(`${second.url}/api/tenants`, { headers: admin })).status
  await until('the admin API is limited', async () => (await audit()) === 429)
})
