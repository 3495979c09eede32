import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChannelTokens } from '../../proxy/channel-tokens.ts'
import type { ChannelOauth } from '../../proxy/domain/channel.ts'
import { GatewayError } from '../../proxy/domain/errors.ts'
import { StoreError } from '../../proxy/domain/store-error.ts'
import type { TokenStore } from '../../proxy/store/channel-tokens.ts'
import { TokenRefused } from '../../proxy/upstream/oauth.ts'
import { aChannel } from '../support/a-channel.ts'
import { OAUTH } from '../support/channels.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOUR = 3_600_000

/** A process at noon whose store has one account; endpoint and store can be made to fail. */
function startTokens(first: Partial<ChannelOauth> = {}) {
  let now = NOON
  let [stored, isStoreAway, refusal] = [{ ...OAUTH, ...first }, false, undefined as string | undefined]
  let channel = aChannel('a', { keys: [], oauth: stored })
  const exchanged: string[] = []
  const suspended: string[] = []
  const logged: string[] = []
  const log = { error: (detail: object, text: string) => logged.push(`${text} ${JSON.stringify(detail)}`) }
  const store: TokenStore = {
    async renew(_channelId, exchange) {
      const next = await exchange(stored)
      if (isStoreAway) throw new StoreError('connection', 'it is away', { operation: 'renew' })
      return (stored = next)
    },
  }
  const tokens = createChannelTokens({
    store,
    endpoints: {
      async refresh(oauth) {
        exchanged.push(oauth.refreshToken)
        if (refusal !== undefined) throw new TokenRefused(refusal)
        const serial = exchanged.length
        return { ...oauth, refreshToken: `refresh-${serial}`, accessToken: `access-${serial}`, expiresAt: now + HOUR }
      },
    },
    suspend: async (id, until, reason) => void suspended.push(`${id} ${(until - now) / 1000} s ${reason}`),
    now: () => now,
    log: log as never, // safe: nothing else is logged
  })
  return {
    exchanged,
    suspended,
    logged,
    token: async (refused?: string) => {
      const token = await tokens.tokenFor(channel, refused)
      await new Promise((resolve) => setImmediate(resolve)) // what goes on beside the call has gone on
      return token instanceof GatewayError ? token.code : token
    },
    pass: (ms: number) => void (now += ms),
    /** The configuration is read again. */
    reload: () => void (channel = { ...channel, oauth: { ...stored } }),
    change: (oauth: Partial<ChannelOauth>) => void (stored = { ...stored, ...oauth }),
    endStore: (isAway: boolean) => void (isStoreAway = isAway),
    refuse: (reason: string | undefined) => void (refusal = reason),
  }
}

test('a token is renewed a minute before its end, once for all calls, and used at once', async () => {
  const process = startTokens({ accessToken: 'access-0', expiresAt: NOON + HOUR })
  assert.equal(await process.token(), 'access-0')
  process.pass(HOUR - 60_000)
  assert.deepEqual(await Promise.all([process.token(), process.token()]), ['access-0', 'access-0'])
  assert.deepEqual(process.exchanged, ['refresh-secret'])
  assert.equal(await process.token(), 'access-1', 'before the configuration tells it')
  process.reload()
  assert.equal(await process.token(), 'access-1')
  process.pass(HOUR)
  assert.deepEqual(await Promise.all([process.token(), process.token()]), ['access-2', 'access-2'])
  assert.deepEqual(process.exchanged, ['refresh-secret', 'refresh-1'])
})

test('a token without an end is renewed when it is refused, and not with every refusal', async () => {
  const process = startTokens({ accessToken: 'access-0', expiresAt: null })
  assert.equal(await process.token(), 'access-0')
  assert.deepEqual(await Promise.all([process.token('access-0'), process.token('access-0')]), ['access-1', 'access-1'])
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(await process.token('access-1'), 'channels_unavailable')
    process.reload()
  }
  assert.equal(process.exchanged.length, 1)
  assert.equal(await process.token(), 'access-1')
  process.pass(30_000)
  assert.equal(await process.token('access-1'), 'access-2')
})

test('what another replica has renewed is taken as it is', async () => {
  const process = startTokens({ accessToken: 'access-0', expiresAt: NOON })
  process.change({ accessToken: 'access-7', refreshToken: 'refresh-7', expiresAt: NOON + HOUR })
  assert.equal(await process.token(), 'access-7')
  assert.deepEqual(process.exchanged, [])
})

test('a token that could not be stored is not used, nor lost', async () => {
  const process = startTokens({ accessToken: null })
  process.endStore(true)
  assert.equal(await process.token(), 'channels_unavailable')
  process.pass(30_000)
  assert.equal(await process.token(), 'channels_unavailable')
  process.endStore(false)
  process.pass(30_000)
  assert.equal(await process.token(), 'access-1')
  assert.deepEqual([process.exchanged, process.suspended, process.logged], [['refresh-secret'], [], []])
  process.pass(HOUR)
  assert.equal(await process.token(), 'access-2')
  assert.deepEqual(process.exchanged, ['refresh-secret', 'refresh-1'])
})

test('a channel that gets no token is suspended, and its endpoint asked again after a rest', async () => {
  const process = startTokens({ accessToken: null })
  process.refuse('the token endpoint answered 400, invalid_grant')
  for (let turn = 0; turn < 3; turn++) assert.equal(await process.token(), 'channels_unavailable')
  assert.equal(process.exchanged.length, 1)
  assert.deepEqual(process.suspended, ['a 300 s oauth: the token endpoint answered 400, invalid_grant'])
  assert.equal(process.logged.length, 1)
  assert.doesNotMatch(process.logged.join(), /secret/)
  // Whoever gives it another account need not wait.
  process.refuse(undefined)
  process.change({ refreshToken: 'refresh-of-another' })
  process.reload()
  assert.equal(await process.token(), 'access-2')
})

test('while its token lasts a channel goes on, whatever its endpoint answers', async () => {
  const process = startTokens({ accessToken: 'access-0', expiresAt: NOON + 50_000 })
  process.refuse('the token endpoint answered 503')
  assert.equal(await process.token(), 'access-0')
  process.pass(40_000)
  assert.equal(await process.token(), 'access-0')
  assert.deepEqual(process.suspended, [])
  process.pass(10_000)
  assert.equal(await process.token(), 'channels_unavailable')
  assert.deepEqual([process.exchanged.length, process.suspended], [2, []], 'it rests')
  process.pass(30_000)
  assert.equal(await process.token(), 'channels_unavailable')
  assert.deepEqual([process.exchanged.length, process.suspended.length], [3, 1])
})

test('a channel without an account has no token', async () => {
  const tokens = createChannelTokens({
    store: undefined,
    endpoints: { refresh: () => assert.fail('nobody is asked') },
    suspend: () => assert.fail('nothing is suspended'),
    now: () => NOON,
    log: {} as never, // safe: nothing is logged
  })
  assert.equal(await tokens.tokenFor(aChannel('a'), undefined), undefined)
})
