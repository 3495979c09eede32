import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChannelOauth } from '../../../proxy/domain/channel.ts'
import { ask, json } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { startGateway, until } from '../../support/gateway.ts'
import { ADMIN_KEY, type Pools, type PooledChannel, startPools } from '../../support/pools.ts'
import { account, startTokenEndpoint, type TokenEndpoint } from '../../support/token-endpoint.ts'

const HOUR = 3_600_000

/** A channel whose upstream takes the tokens that are valid, before one that always serves. */
async function started(
  t: TestContext,
  endpoint: TokenEndpoint,
  more: Partial<ChannelOauth> = {},
  others: Readonly<Record<string, PooledChannel>> = {},
): Promise<Pools> {
  const plan: PooledChannel['plan'] = ({ headers }) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? ''
    return endpoint.valid.has(token) ? {} : { status: 401 }
  }
  const pools = await startPools({ only: { keys: [], oauth: account(endpoint, more), plan }, ...others })
  t.after(() => pools.close())
  return pools
}

const call = (pools: Pools) => pools.ask('/v1/messages', message)

function expectNoSecrets({ gateway }: Pools): void {
  const text = JSON.stringify(gateway.log) + gateway.stderr()
  assert.doesNotMatch(text, /access-\d|refresh-\d|client-secret/)
}

test('a channel with an account sends the token that its refresh token was exchanged for', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const pools = await started(t, endpoint, { scope: 'inference' })
  const answers = await Promise.all(Array.from({ length: 5 }, () => call(pools)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  )
  assert.deepEqual(endpoint.asked, [
    { grant_type: 'refresh_token', refresh_token: 'refresh-0', client_id: 'client', scope: 'inference' },
  ])
  assert.deepEqual(endpoint.authorizations, [undefined])
  for (const { headers } of pools.upstream('only').calls) {
    assert.equal(headers.authorization, 'Bearer access-1')
    assert.equal(headers['x-api-key'], undefined)
  }
  const [stored] = await pools.change((store) => store.list())
  assert.equal(stored?.oauth?.refreshToken, 'refresh-1')
  assert.equal(stored?.oauth?.accessToken, 'access-1')
  const lasts = (stored?.oauth?.expiresAt ?? NaN) - Date.now()
  assert.ok(lasts > HOUR - 60_000 && lasts <= HOUR)
  expectNoSecrets(pools)
})

test('a client with a secret tells it in the header that the RFC names', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const pools = await started(t, endpoint, { clientId: 'a client', clientSecret: 'client-secret:ü' })
  assert.equal((await call(pools)).status, 200)
  assert.deepEqual(endpoint.asked, [{ grant_type: 'refresh_token', refresh_token: 'refresh-0' }])
  const encoded = Buffer.from('a+client:client-secret%3A%C3%BC').toString('base64')
  assert.deepEqual(endpoint.authorizations, [`Basic ${encoded}`])
  expectNoSecrets(pools)
})

test('a token that still lasts is used, one that is about to end is used while it is renewed, and none that has ended', async (t) => {
  for (const [lastsMs, before] of [
    [HOUR, 0],
    [30_000, 1],
    [-1, 1],
  ] as const) {
    const endpoint = await startTokenEndpoint(t)
    endpoint.valid.add('access-0')
    const pools = await started(t, endpoint, { accessToken: 'access-0', expiresAt: Date.now() + lastsMs })
    assert.equal((await call(pools)).status, 200)
    const [first] = pools.upstream('only').calls
    if (lastsMs !== 30_000) assert.equal(first?.headers.authorization, `Bearer access-${before}`)
    await until('it is renewed', () => endpoint.asked.length === before)
    assert.equal((await call(pools)).status, 200)
    assert.equal(endpoint.asked.length, before)
  }
})

test('a token that the upstream refuses is renewed once, and the call goes on', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const pools = await started(t, endpoint, { accessToken: 'access-0', expiresAt: Date.now() + HOUR })
  const answer = await call(pools)
  assert.equal(answer.status, 200, answer.text)
  const entry = await pools.entry(answer.id)
  assert.equal(entry.http_status, 200)
  assert.match(entry.attempts ?? '', /"status":401.*"again"/)
  assert.equal(endpoint.asked.length, 1)

  // It takes none any more: nobody asks for a token with every call.
  pools.upstream('only').behave({ status: 401 })
  for (let turn = 0; turn < 3; turn++) assert.equal((await call(pools)).status, 401)
  assert.equal(endpoint.asked.length, 1)
})

test('a refresh token that stays is kept', async (t) => {
  const endpoint = await startTokenEndpoint(t, false)
  const pools = await started(t, endpoint)
  assert.equal((await call(pools)).status, 200)
  const [stored] = await pools.change((store) => store.list())
  assert.equal(stored?.oauth?.refreshToken, 'refresh-0')
  assert.equal(stored?.oauth?.accessToken, 'access-1')
})

test('what was renewed is there after a restart', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const pools = await started(t, endpoint)
  assert.equal((await call(pools)).status, 200)
  await pools.gateway.stop()
  const gateway = await startGateway(pools.home)
  const answer = await ask(`${gateway.url}/v1/messages`, { headers: { 'x-api-key': ADMIN_KEY }, body: message })
  await gateway.stop()
  assert.equal(answer.status, 200)
  assert.equal(endpoint.asked.length, 1)
})

const refusals: Readonly<Record<string, readonly [Parameters<TokenEndpoint['behave']>[0], RegExp]>> = {
  'a refusal of the RFC': [
    () => ({ status: 400, body: { error: 'invalid_grant', error_description: 'refresh-0' } }),
    /answered 400, invalid_grant$/,
  ],
  'a code of its own': [() => ({ status: 400, body: { error: 'refresh-0' } }), /answered 400$/],
  'an error of its own': [() => ({ status: 503, body: 'refresh-0 is unknown' }), /answered 503$/],
  'no token': [() => ({ body: { token_type: 'bearer', error: 'refresh-0' } }), /without a token$/],
  'another kind of token': [() => ({ body: { access_token: 'access-9', token_type: 'mac' } }), /no bearer token$/],
  'a token with a line break': [
    () => ({ body: { access_token: 'access-9\r\nx: y', token_type: 'bearer' } }),
    /without a token$/,
  ],
  'a redirect': [() => ({ status: 307, location: 'http://127.0.0.1:1/', body: {} }), /answered 307$/],
  'more than a token': [() => ({ body: { access_token: 'a'.repeat(70_000) } }), /more than a token$/],
}

test('a channel whose token endpoint gives no token is left alone, with a reason and without secrets', async (t) => {
  const endpoints = new Map<string, TokenEndpoint>()
  const channels: Record<string, PooledChannel> = {}
  for (const [what, [answer]] of Object.entries(refusals)) {
    const endpoint = await startTokenEndpoint(t)
    endpoint.behave(answer)
    endpoints.set(what, endpoint)
    channels[what] = { keys: [], oauth: account(endpoint, { clientSecret: 'client-secret' }), models: [what] }
  }
  const pools = await startPools({ ...channels, second: {} })
  t.after(() => pools.close())
  for (const [what, [, reason]] of Object.entries(refusals)) {
    await t.test(`it answers ${what}`, async () => {
      const before = pools.counts()['second'] ?? NaN
      const askFor = () => pools.ask('/v1/messages', { ...message, model: what })
      assert.equal((await askFor()).status, 200)
      const suspended = await until('it is suspended', () => {
        const [row] = pools.home.query<{ reason: string; until: number }>(
          'SELECT reason, suspended_until AS until FROM channel_suspensions WHERE channel_id = ?',
          pools.channels[what]?.id ?? '',
        )
        return row
      })
      assert.match(suspended.reason, reason)
      assert.ok(suspended.until > Date.now())
      assert.equal((await askFor()).status, 200)
      assert.deepEqual([pools.counts()[what], pools.counts()['second']], [0, before + 2])
      assert.equal(endpoints.get(what)?.asked.length, 1)
      expectNoSecrets(pools)
    })
  }
})

test('where no other channel is there, the caller is told that none can take the call', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const pools = await started(t, endpoint, { refreshToken: 'refresh-of-another' })
  const answer = await call(pools)
  assert.equal(answer.status, 503)
  assert.equal(json(answer.text)['code'], 'channels_unavailable')
})
