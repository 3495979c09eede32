import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultFailover } from '../../../proxy/domain/failover.ts'
import type { Suspension } from '../../../proxy/route/router.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { aRouter, LATER, NOON, status, type TestRouter, type Upstream, wayOf } from '../../support/journeys.ts'

const MINUTE = 60_000
const two = inList(aChannel('a'), aChannel('b'))
const settings = { strategies: {}, failover: defaultFailover }
const works: Upstream = () => 'ok'
const aIsAway: Upstream = ({ channel }) => (channel.id === 'a' ? { kind: 'network' } : 'ok')
const allAreAway: Upstream = () => ({ kind: 'network' })

/** Calls one after the other. */
function calls(router: TestRouter, upstream: Upstream, times: number, now = NOON): string[] {
  return Array.from({ length: times }, () => wayOf(router.call(), upstream, now))
}

function standing(router: TestRouter): object {
  const { failureRate, openUntil } = router.health('a') ?? assert.fail()
  return { failureRate, openUntil }
}

test('before anything is loaded there is nowhere to go', () => {
  assert.equal(wayOf(aRouter([]).call(), works), 'none')
})

test('a channel that fails five calls is left alone for fifteen minutes, and the replicas are told', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 4)
  assert.deepEqual(router.suspended, [])
  assert.deepEqual(calls(router, aIsAway, 2), ['a-1 b-1 answer', 'b-1 answer'])
  const until = NOON + 15 * MINUTE
  assert.deepEqual(router.suspended, [{ channelId: 'a', until, reason: 'circuit_open' }])
  assert.deepEqual(standing(router), { failureRate: 1, openUntil: until })
  assert.equal(wayOf(router.call(), works, until - 1), 'b-1 answer')
})

test('after fifteen minutes one call tries the channel, and the others follow when it works', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 5)
  const until = NOON + 15 * MINUTE
  const trial = router.call()
  const step = trial.next(until)
  assert.equal(step.kind === 'send' && step.channel.id, 'a')
  assert.equal(wayOf(router.call(), works, until), 'b-1 answer', 'while nobody knows')
  trial.succeeded(until)
  assert.equal(wayOf(router.call(), works, until), 'a-1 answer')
  assert.deepEqual(standing(router), { failureRate: 0, openUntil: undefined })
})

test('a trial that meets a busy channel leaves it to the next call', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 5)
  const until = NOON + 15 * MINUTE
  assert.equal(
    wayOf(router.call(), ({ channel }) => (channel.id === 'a' ? { kind: 'busy' } : 'ok'), until),
    'a-1 b-1 answer',
  )
  assert.equal(wayOf(router.call(), works, until), 'a-1 answer')
})

test('when no channel is well, the one that failed least is asked', () => {
  const router = aRouter(two)
  calls(router, ({ channel }) => (channel.id === 'b' ? 'ok' : { kind: 'network' }), 5)
  calls(router, allAreAway, 5)
  assert.deepEqual(
    router.suspended.map(({ channelId }) => channelId),
    ['a', 'b'],
  )
  assert.equal(wayOf(router.call(), works), 'b-1 answer')
  assert.equal(wayOf(router.call(), allAreAway), 'b-1 a-1 exhausted')
})

const verdicts: readonly (readonly [what: string, upstream: Upstream, failureRate: number])[] = [
  ['an answer', works, 0],
  ['a refusal of what the caller asked', () => status(400), 0],
  ['an error that no rule names', () => status(501), 1],
  ['no connection', allAreAway, 1],
  ['errors to the end of the chain', () => status(500), 1],
  ['a rate limit to the end of the chain', () => status(429), 1],
  ['no room in its own limits', () => ({ kind: 'busy' }), 0],
  ['a quota that is used up', () => status(429, { subtype: 'QUOTA_EXHAUSTED' }), 0],
]

for (const [what, upstream, failureRate] of verdicts) {
  test(`${what} makes the failure rate of a channel ${failureRate}`, () => {
    const router = aRouter([aChannel('a')])
    wayOf(router.call(), upstream)
    assert.equal(router.health('a')?.failureRate, failureRate)
  })
}

test('a call is one call, however often it was retried', () => {
  const router = aRouter(two)
  const isAnswered = [false, false, true]
  wayOf(router.call(), () => (isAnswered.shift() ? 'ok' : status(500)))
  assert.equal(router.health('a')?.failureRate, 0)
  calls(router, ({ channel }) => (channel.id === 'a' ? status(500) : 'ok'), 3)
  assert.deepEqual(standing(router), { failureRate: 0.75, openUntil: undefined })
})

test('a call whose time ran out while it waited to try again is one that failed', () => {
  const router = aRouter(two)
  const call = router.call({ deadlineAt: NOON + 6000 })
  call.next(NOON)
  call.failed(status(500), NOON)
  call.next(NOON + 6000)
  assert.equal(router.health('a')?.failureRate, 1)
})

const suspension = (reason: string, until = NOON + MINUTE): Suspension => ({ channelId: 'a', until, reason })

test('what another replica has suspended is not asked until it is over, not even where there is no other', () => {
  const router = aRouter(two.slice(0, 1), {}, {}, [suspension('429:QUOTA_EXHAUSTED')])
  assert.equal(wayOf(router.call(), works, NOON + MINUTE - 1), 'none')
  assert.equal(wayOf(router.call(), works, NOON + MINUTE), 'a-1 answer')
})

test('what fails at another replica is asked where there is no other', () => {
  const router = aRouter(two, {}, {}, [suspension('circuit_open')])
  assert.equal(wayOf(router.call(), works), 'b-1 answer')
  assert.equal(wayOf(router.call({ allowedChannels: ['a'] }), works), 'a-1 answer')
  assert.equal(wayOf(router.call(), works, NOON + MINUTE), 'a-1 answer')
})

test('a channel is suspended until its quota is reset', () => {
  const spent: Upstream = () => status(429, { subtype: 'QUOTA_EXHAUSTED' })
  const seen: unknown[] = []
  const resetOf: (channel: { readonly id: string }, now: number) => number | undefined = ({ id }, now) => {
    seen.push([id, now])
    return id === 'a' ? NOON + 60 * MINUTE : undefined
  }
  const router = aRouter(two, {}, { resetOf })
  wayOf(router.call(), spent)
  assert.deepEqual(router.suspended, [
    suspension('429:QUOTA_EXHAUSTED', NOON + 60 * MINUTE),
    { ...suspension('429:QUOTA_EXHAUSTED', NOON + 5 * MINUTE), channelId: 'b' },
  ])
  assert.deepEqual(seen, [
    ['a', NOON],
    ['b', NOON],
  ])
})

test('a channel is suspended as long as its upstream says, if it does', () => {
  const router = aRouter(two, {}, { resetOf: () => LATER })
  const spent = status(429, { subtype: 'QUOTA_EXHAUSTED', suspendMs: 90_000 })
  wayOf(router.call(), ({ channel }) => (channel.id === 'a' ? spent : 'ok'))
  assert.deepEqual(router.suspended, [suspension('429:QUOTA_EXHAUSTED', NOON + 90_000)])
})

test('a channel that is suspended does not become one that only fails', () => {
  const router = aRouter(two)
  const underWay = Array.from({ length: 5 }, () => router.call())
  for (const call of underWay) call.next(NOON)
  wayOf(router.call(), ({ channel }) => (channel.id === 'a' ? status(403, { subtype: 'CREDIT_EXHAUSTED' }) : 'ok'))
  for (const call of underWay) call.failed({ kind: 'network' }, NOON)
  assert.deepEqual(
    router.suspended.map(({ reason }) => reason),
    ['403:CREDIT_EXHAUSTED'],
  )
  assert.equal(wayOf(router.call({ allowedChannels: ['a'] }), works), 'none')
})

test('a new configuration keeps the health of the channels and keys that stay', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 3)
  router.load(inList(aChannel('a', { name: 'renamed' }), aChannel('c')), [], settings, NOON)
  assert.equal(router.health('a')?.failureRate, 1)
  assert.equal(router.health('b'), undefined)
  router.load([aChannel('c')], [], settings, NOON)
  router.load(two, [], settings, NOON)
  assert.equal(router.health('a')?.failureRate, 0, 'what was gone starts anew')
})

test('a key that was removed and is added again is ready', () => {
  const keys = [1, 2].map((number) => ({ id: `a-${number}`, secret: 'sk' }))
  const channel = aChannel('a', { keys })
  const router = aRouter([channel])
  assert.equal(
    wayOf(router.call(), ({ key }) => (key?.id === 'a-1' ? status(401) : 'ok')),
    'a-1 a-2 answer',
  )
  router.load([channel], [], settings, NOON)
  assert.equal(wayOf(router.call(), works), 'a-2 answer')
  router.load([{ ...channel, keys: keys.slice(1) }], [], settings, NOON)
  router.load([channel], [], settings, NOON)
  assert.equal(wayOf(router.call(), works), 'a-1 answer')
})

test('a channel that somebody has resumed starts anew', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 5)
  router.load(two, router.suspended, settings, NOON + MINUTE)
  assert.equal(router.health('a')?.failureRate, 1, 'nobody has')
  assert.equal(wayOf(router.call(), works, NOON + MINUTE), 'b-1 answer')
  router.load(two, [], settings, NOON + 2 * MINUTE)
  assert.equal(wayOf(router.call(), works, NOON + 2 * MINUTE), 'a-1 answer')
})

test('a suspension that has run out resumes nothing: the channel is tried by one call', () => {
  const router = aRouter(two)
  calls(router, aIsAway, 5)
  router.load(two, [], settings, NOON + 15 * MINUTE)
  assert.equal(router.health('a')?.failureRate, 1)
})

test('channels take turns in a pool that says so, and keys where their channel says nothing', () => {
  const keys = [1, 2].map((number) => ({ id: `b-${number}`, secret: 'sk' }))
  const channels = [
    ...inList(aChannel('a'), aChannel('b', { keys }), aChannel('c')),
    ...inList(aChannel('x', { pool: 'chat' }), aChannel('y', { pool: 'chat' })),
  ]
  const router = aRouter(channels, { strategies: { messages: 'round-robin' } })
  const ways = calls(router, works, 6).map((way) => way.split(' ')[0])
  assert.deepEqual(ways, ['a-1', 'b-1', 'c-1', 'a-1', 'b-2', 'c-1'])
  assert.deepEqual(
    [1, 2].map(() => wayOf(router.call({ pool: 'chat' }), works)),
    ['x-1 answer', 'x-1 answer'],
  )
})

test('keys are picked as their channel says', () => {
  const keys = [1, 2].map((number) => ({ id: `a-${number}`, secret: 'sk' }))
  const router = aRouter([aChannel('a', { keys, keyBalance: 'failover' })], { strategies: { messages: 'round-robin' } })
  assert.deepEqual(calls(router, works, 3), ['a-1 answer', 'a-1 answer', 'a-1 answer'])
})

test('chance picks a channel where the pool says so', () => {
  const first = aRouter(two, { strategies: { messages: 'random' } }, { random: () => 0 })
  assert.equal(wayOf(first.call(), works), 'a-1 answer')
  const last = aRouter(two, { strategies: { messages: 'random' } }, { random: () => 0.9 })
  assert.equal(wayOf(last.call(), works), 'b-1 answer')
})

test('a call keeps the rules that it began with', () => {
  const router = aRouter(two)
  const call = router.call()
  router.load(two, [], { strategies: {}, failover: { ...defaultFailover, rules: [] } }, NOON)
  assert.equal(
    wayOf(call, ({ channel }) => (channel.id === 'a' ? status(401) : 'ok')),
    'a-1 b-1 answer',
  )
  assert.equal(
    wayOf(router.call(), () => status(401)),
    'a-1 answer',
  )
})
