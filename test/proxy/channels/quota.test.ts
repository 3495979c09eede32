import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createChannelQuotas } from '../../../proxy/channel-quotas.ts'
import type { Channel, ChannelQuota } from '../../../proxy/domain/channel.ts'
import type { FailedAttempt } from '../../../proxy/domain/entry.ts'
import { createQuotaPots } from '../../../proxy/limit/channel-quota.ts'
import { createQuotaStore } from '../../../proxy/store/channel-quota.ts'
import { openSqlite } from '../../../proxy/store/sqlite.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { type Answer, ask, json } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { startGateway, until } from '../../support/gateway.ts'
import { ADMIN_KEY, type PooledChannel, type PoolOptions, type Pools, startPools } from '../../support/pools.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function requests(limit: number, more: Partial<ChannelQuota> = {}): ChannelQuota {
  return { unit: 'requests', limit, models: [], reset: null, ...more }
}

async function started(
  t: TestContext,
  channels: Readonly<Record<string, PooledChannel>>,
  options?: PoolOptions,
): Promise<Pools> {
  const pools = await startPools(channels, options)
  t.after(() => pools.close())
  return pools
}

const call = (pools: Pools, model = message.model): Promise<Answer & { readonly id: string }> =>
  pools.ask('/v1/messages', { ...message, model })

/** Another process in the same home; `work` calls it. */
async function restarted(
  pools: Pools,
  work: (statuses: (count: number) => Promise<readonly number[]>) => Promise<void>,
) {
  await pools.gateway.stop()
  const gateway = await startGateway(pools.home)
  const headers = { 'x-api-key': ADMIN_KEY }
  await work(async (count) => {
    const statuses = []
    for (let turn = 0; turn < count; turn++) {
      statuses.push((await ask(`${gateway.url}/v1/messages`, { headers, body: message })).status)
    }
    return statuses
  })
  await gateway.stop()
}

/** As an administrator does, on a replica of their own. */
async function administered(pools: Pools) {
  const database = await openSqlite(join(pools.home.path, 'tollgate.db'))
  const unexpected = (): never => assert.fail('nothing is logged')
  const quotas = createChannelQuotas({
    store: createQuotaStore(database),
    pots: createQuotaPots({ now: Date.now, leases: undefined }),
    replicas: () => 1,
    priceOf: unexpected,
    now: Date.now,
    log: { error: unexpected } as never, // safe: it logs nothing else
  })
  return { quotas, suspensions: createSuspensionStore(database), close: () => database.close() }
}

async function usedOf(pools: Pools, channel: Channel): Promise<number | undefined> {
  const admin = await administered(pools)
  const usage = await admin.quotas.usage(channel)
  await admin.close()
  return usage?.used
}

async function reset(pools: Pools, channel: Channel): Promise<void> {
  const admin = await administered(pools)
  await admin.quotas.reset(channel, Date.now())
  await admin.close()
}

test('a channel serves exactly as many requests as its quota has, and is passed by then', async (t) => {
  const pools = await started(t, { first: { quota: requests(3) }, second: {} })
  const answers = await Promise.all(Array.from({ length: 8 }, () => call(pools)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    Array.from({ length: 8 }, () => 200),
  )
  assert.deepEqual(pools.counts(), { first: 3, second: 5 })
  for (const { id } of answers) {
    const { channel, quota } = await pools.entry(id)
    assert.equal(quota, channel === 'first' ? `channel:${pools.channels['first']?.id}:0` : null)
  }
  assert.equal(await usedOf(pools, pools.channels['first'] ?? assert.fail()), 3)
})

/** A refusal by a quota that was in force and spent before its reset: that is put off for as long as a machine needs. */
async function spent(pools: Pools): Promise<{ readonly refused: Answer; readonly resetAt: number }> {
  for (let seconds = 2; ; seconds *= 2) {
    const resetAt = Date.now() + seconds * 1000
    const quota = requests(1, { reset: { mode: 'fixed', at: resetAt, every: 1, unit: 'hours' } })
    await pools.change((store) => store.update(pools.channels['only']?.id ?? '', { quota }, Date.now()))
    const refused = await until('the quota is spent, or reset', async () => {
      const answer = await call(pools)
      const isSpent = answer.status === 429 && Number(answer.headers['retry-after']) <= seconds
      return (isSpent || Date.now() >= resetAt) && answer
    })
    if (Date.now() < resetAt) return { refused, resetAt }
  }
}

test('a call is refused while no channel has anything left, and told when that will be over', async (t) => {
  const pools = await started(t, { only: {} })
  const { refused, resetAt } = await spent(pools)
  const before = pools.counts()['only'] ?? NaN
  assert.equal(json(refused.text)['code'], 'channel_quota_exhausted')
  // Nobody does anything about it.
  const again = await until('the quota was reset', async () => {
    const answer = await call(pools)
    return answer.status === 200 && answer
  })
  assert.ok(Date.now() >= resetAt, 'it was not reset before its time')
  assert.equal(pools.counts()['only'], before + 1)
  const next = await call(pools)
  assert.equal(next.status, 429, 'the next period has a quota of its own')
  assert.ok(Number(next.headers['retry-after']) > 3500)
  const { quota: subject } = await pools.entry(again.id)
  assert.equal(subject, `channel:${pools.channels['only']?.id}:${resetAt}`)
})

test('what counts to a quota of requests are answers and refusals of what was asked', async (t) => {
  const pools = await started(t, { only: { quota: requests(2), plan: { status: 401 } } })
  const upstream = pools.upstream('only')
  for (const [status, plan] of [
    [401, { status: 401 }],
    [404, { status: 404 }],
    [400, { status: 400 }],
    [200, {}],
    [429, {}],
  ] as const) {
    upstream.behave(plan)
    const answer = await call(pools)
    assert.equal(answer.status, status, answer.text)
  }
  assert.equal(upstream.calls.length, 4)
  await until('two are counted', async () => (await usedOf(pools, pools.channels['only'] ?? assert.fail())) === 2)
})

test('a call that is tried again keeps the last of the quota for itself, and one that moves on gives it back', async (t) => {
  const pools = await started(t, { first: { quota: requests(1) }, second: {} })
  const upstream = pools.upstream('first')
  upstream.behave({ status: 500 })
  assert.equal((await call(pools)).status, 200)
  assert.deepEqual(pools.counts(), { first: 3, second: 1 })
  upstream.behave(() => (upstream.calls.length < 5 ? { status: 500 } : {}))
  assert.equal((await call(pools)).status, 200)
  assert.deepEqual(pools.counts(), { first: 5, second: 1 })
  assert.equal((await call(pools)).status, 200)
  assert.deepEqual(pools.counts(), { first: 5, second: 2 })
})

test('what a failed attempt has cost counts to the quota of its own channel', async (t) => {
  const money: ChannelQuota = { unit: 'credit', limit: 1_000_000_000, models: [], reset: null }
  const pools = await started(t, {
    first: { quota: money, plan: { cutAfter: 1 } },
    second: { quota: money },
    third: {},
  })
  const asked = { ...message, model: 'claude-sonnet-4-5', stream: true }
  const { id, status } = await pools.ask('/v1/messages', asked)
  assert.equal(status, 200)
  const { attempts, cost_nano_usd: cost } = await pools.entry(id)
  const [failed] = JSON.parse(attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  const lost = failed?.costs?.totalNanoUsd ?? 0
  assert.ok(lost > 0 && cost !== null && cost > lost, `${lost} of ${cost}`)
  const used = ['first', 'second'].map((name) => usedOf(pools, pools.channels[name] ?? assert.fail()))
  assert.deepEqual(await Promise.all(used), [lost, cost - lost])

  // A channel without a quota makes the call, and one that has one has failed it.
  pools.upstream('second').behave({ cutAfter: 1 })
  const next = await pools.ask('/v1/messages', asked)
  assert.deepEqual([next.status, (await pools.entry(next.id)).quota], [200, null])
  const usedThen = ['first', 'second'].map((name) => usedOf(pools, pools.channels[name] ?? assert.fail()))
  assert.deepEqual(await Promise.all(usedThen), [2 * lost, cost])
})

test('models that a quota does not name count to nothing, and are served when it is spent', async (t) => {
  const pools = await started(t, {
    only: { quota: requests(1, { models: ['opus'] }), modelMapping: { big: 'claude-opus-5' } },
  })
  const asked = ['claude-haiku', 'claude-haiku', 'big', 'claude-opus-5', 'big', 'claude-haiku']
  const statuses = []
  for (const model of asked) statuses.push((await call(pools, model)).status)
  assert.deepEqual(statuses, [200, 200, 200, 429, 429, 200])
})

test('a quota survives a restart, and what is used of it is the same', async (t) => {
  const pools = await started(t, { only: { quota: requests(3) } })
  assert.deepEqual([(await call(pools)).status, (await call(pools)).status], [200, 200])
  await restarted(pools, async (statuses) => assert.deepEqual(await statuses(3), [200, 429, 429]))
})

test('a rolling quota begins with the first call, and with the first call after its end', async (t) => {
  const quota = requests(1, { reset: { mode: 'rolling', at: 0, every: 5, unit: 'hours' } })
  const pools = await started(t, { only: { quota } })
  const channel = pools.channels['only'] ?? assert.fail()
  const periods = () => pools.home.query<{ since: number; ends_at: number }>('SELECT since, ends_at FROM channel_quota')
  assert.deepEqual(periods(), [])
  const start = Date.now()
  assert.deepEqual([(await call(pools)).status, (await call(pools)).status], [200, 429])
  const [first, ...others] = periods()
  assert.ok(first && others.length === 0)
  assert.ok(first.since >= start && first.since <= Date.now())
  assert.equal(first.ends_at - first.since, 5 * HOUR)

  const database = await openSqlite(join(pools.home.path, 'tollgate.db'))
  await database.sequelize.query(`UPDATE channel_quota SET since = since - ${DAY}, ends_at = ends_at - ${DAY}`)
  await database.close()
  await restarted(pools, async (statuses) => assert.deepEqual(await statuses(2), [200, 429]))
  const [second] = periods()
  assert.ok(second && second.since > first.since)
  assert.equal(await usedOf(pools, channel), 1)
})

for (const mode of ['fixed', 'rolling'] as const) {
  test(`a ${mode} quota that is reset by hand begins anew at once, and its suspension is lifted`, async (t) => {
    const quota = requests(2, { reset: { mode, at: Date.now() - HOUR, every: 1, unit: 'days' } })
    const pools = await started(t, { only: { quota } })
    const channel = pools.channels['only'] ?? assert.fail()
    const statuses = [await call(pools), await call(pools), await call(pools)].map(({ status }) => status)
    assert.deepEqual(statuses, [200, 200, 429])
    const admin = await administered(pools)
    t.after(admin.close)
    await admin.suspensions.suspend(channel.id, Date.now() + HOUR, 'trouble', Date.now())
    await until('it is left alone', async () => (await call(pools)).status === 503)
    await reset(pools, channel)
    await until('it serves again', async () => (await call(pools)).status === 200)
    assert.deepEqual(await admin.suspensions.list(Date.now()), [])
    assert.equal((await call(pools)).status, 200)
    assert.equal((await call(pools)).status, 429)
    await until('both are counted', async () => (await admin.quotas.usage(channel))?.used === 2)
  })
}

test('a channel that its upstream declares used up is left alone until its quota is reset', async (t) => {
  const resetsAt = Date.now() + 2 * HOUR
  const quota = requests(1000, { reset: { mode: 'fixed', at: resetsAt, every: 1, unit: 'days' } })
  const rawBody = JSON.stringify({ error: { status: 'RESOURCE_EXHAUSTED', details: [{ reason: 'QUOTA_EXHAUSTED' }] } })
  const pools = await started(t, { first: { quota, plan: { status: 429, rawBody } }, second: {} })
  assert.equal((await call(pools)).status, 200)
  await until('the suspension is stored', () => {
    const [row] = pools.home.query<{ until: number }>('SELECT suspended_until AS until FROM channel_suspensions')
    return row?.until === resetsAt
  })
  assert.equal((await call(pools)).status, 200)
  assert.deepEqual(pools.counts(), { first: 1, second: 2 })
})
