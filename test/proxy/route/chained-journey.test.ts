import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import { type ChainStep, defaultFailover } from '../../../proxy/domain/failover.ts'
import type { Failure } from '../../../proxy/route/failure.ts'
import type { RoutedCall } from '../../../proxy/route/journey.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { aRouter, LATER, NOON, status, upstreams, wayOf } from '../../support/journeys.ts'

const network: Failure = { kind: 'network' }
const busy: Failure = { kind: 'busy' }

const keysOf = (id: string, count: number): Channel['keys'] =>
  Array.from({ length: count }, (_, index) => ({ id: `${id}-${index + 1}`, secret: `sk-${id}-${index + 1}` }))

const three = inList(aChannel('a'), aChannel('b'), aChannel('c'))
const keyed = inList(aChannel('a', { keys: keysOf('a', 3) }), aChannel('b'))

type Row = readonly [channels: readonly Channel[], failures: Readonly<Record<string, Failure>>, way: string]

const ways: Readonly<Record<string, Row>> = {
  'to the first channel, where it answers': [three, {}, 'a-1 answer'],
  'on at once, where there is no connection': [three, { a: network, b: network }, 'a-1 b-1 c-1 answer'],
  'to the last one': [three, { a: network, b: network, c: network }, 'a-1 b-1 c-1 exhausted'],
  'on at once, where a channel is busy': [three, { a: busy }, 'a-1 b-1 answer'],

  // The default rules.
  'by 429': [three, { a: status(429) }, 'a-1 5s a-1 5s a-1 5s a-1 b-1 answer'],
  'by 429 for longer': [three, { a: status(429, { waitMs: 7000 }) }, 'a-1 7s a-1 7s a-1 7s a-1 b-1 answer'],
  'by 401': [three, { a: status(401) }, 'a-1 b-1 answer'],
  'by 403': [three, { a: status(403) }, 'a-1 b-1 answer'],
  'by 500': [three, { a: status(500) }, 'a-1 5s a-1 5s a-1 b-1 answer'],
  'by 502': [three, { a: status(502) }, 'a-1 5s a-1 5s a-1 b-1 answer'],
  'by 503': [three, { a: status(503) }, 'a-1 5s a-1 5s a-1 b-1 answer'],
  'by 504': [three, { a: status(504) }, 'a-1 5s a-1 5s a-1 b-1 answer'],
  'by 529': [three, { a: status(529) }, 'a-1 5s a-1 5s a-1 b-1 answer'],
  'by a quota that is used up': [three, { a: status(429, { subtype: 'QUOTA_EXHAUSTED' }) }, 'a-1 b-1 answer'],
  'by a credit that is used up': [three, { a: status(403, { subtype: 'CREDIT_EXHAUSTED' }) }, 'a-1 b-1 answer'],
  'no further than 400': [three, { a: status(400) }, 'a-1 answer'],
  'no further than 404': [three, { a: status(404) }, 'a-1 answer'],

  'to the other keys of a channel first': [keyed, { a: network }, 'a-1 a-2 a-3 b-1 answer'],
  'to the key that works': [keyed, { 'a-1': status(401) }, 'a-1 a-2 answer'],
  'to another key, which has its own chain': [
    keyed,
    { a: status(500) },
    'a-1 5s a-1 5s a-1 a-2 5s a-2 5s a-2 a-3 5s a-3 5s a-3 b-1 answer',
  ],
  'past keys without credit': [keyed, { a: status(403, { subtype: 'CREDIT_EXHAUSTED' }) }, 'a-1 a-2 a-3 b-1 answer'],
  'past all keys of a busy channel': [keyed, { a: busy }, 'a-1 b-1 answer'],
  'through a channel that has an OAuth account in place of keys': [
    [
      aChannel('a', {
        keys: [],
        oauth: {
          tokenUrl: '',
          clientId: '',
          clientSecret: null,
          scope: null,
          refreshToken: '',
          accessToken: null,
          expiresAt: null,
        },
      }),
    ],
    { a: status(500) },
    'a 5s a 5s a exhausted',
  ],
}

for (const [what, [channels, failures, way]] of Object.entries(ways)) {
  test(`a call goes ${what}`, () => assert.equal(wayOf(aRouter(channels).call(), upstreams(failures)), way))
}

const nothing: Readonly<
  Record<string, readonly [channels: readonly Channel[], said: Partial<RoutedCall>, reason: string]>
> = {
  'there are no channels': [[], {}, 'none'],
  'the key may use none': [three, { allowedChannels: [] }, 'none_allowed'],
  'the key may use only others': [three, { allowedChannels: ['z'] }, 'none_allowed'],
  'no channel serves the model': [[aChannel('a', { models: ['gpt-*'] })], {}, 'none_for_model'],
  'all channels are disabled': [[aChannel('a', { status: 'disabled' })], {}, 'none'],
  'no quota leaves room': [three, { hasRoom: () => false }, 'none'],
  'its time is over': [three, { deadlineAt: NOON }, 'deadline'],
}

for (const [what, [channels, said, reason]] of Object.entries(nothing)) {
  test(`a call is not sent when ${what}`, () => {
    const journey = aRouter(channels).call(said)
    assert.deepEqual(journey.next(NOON), { kind: 'end', reason })
    assert.deepEqual(journey.next(LATER), { kind: 'end', reason }, 'and so it stays')
  })
}

test('an attempt says which channel, key, model and effort it is', () => {
  const channel = aChannel('a', { modelMapping: { opus: 'glm-4.7' } })
  assert.deepEqual(aRouter([channel]).call({ model: 'claude-opus-5(high)' }).next(NOON), {
    kind: 'send',
    channel,
    key: channel.keys[0],
    model: 'glm-4.7',
    effort: 'high',
    via: undefined,
  })
  const step = aRouter([channel]).call({ model: undefined }).next(NOON)
  assert.equal(step.kind === 'send' && step.model, undefined)
})

test('whoever asks too early is told how long is left', () => {
  const journey = aRouter(three).call()
  journey.next(NOON)
  journey.failed(status(500), NOON)
  assert.deepEqual(journey.next(NOON + 1000), { kind: 'wait', waitMs: 4000 })
  assert.equal(journey.next(NOON + 5000).kind, 'send')
})

const deadlines: readonly (readonly [deadlineAt: number, failures: Readonly<Record<string, Failure>>, way: string])[] =
  [
    [NOON + 5001, { a: status(500) }, 'a-1 5s a-1 b-1 answer'],
    [NOON + 5000, { a: status(500) }, 'a-1 b-1 answer'],
    [NOON + 60_000, { a: status(429, { waitMs: 60_000 }) }, 'a-1 b-1 answer'],
    [NOON + 60_001, { a: status(429, { waitMs: 60_000 }) }, 'a-1 60s a-1 b-1 answer'],
    [NOON + 50_000, { a: status(429, { subtype: 'RESOURCE_EXHAUSTED' }) }, 'a-1 20s a-1 20s a-1 b-1 answer'],
  ]

for (const [deadlineAt, failures, way] of deadlines) {
  test(`a call that has ${deadlineAt - NOON} ms goes ${way}`, () => {
    assert.equal(wayOf(aRouter(three).call({ deadlineAt }), upstreams(failures)), way)
  })
}

test('nothing is begun when the time is over, whatever was to come', () => {
  const router = aRouter(three)
  const waiting = router.call({ deadlineAt: NOON + 6000 })
  waiting.next(NOON)
  waiting.failed(status(500), NOON)
  assert.deepEqual(waiting.next(NOON + 6000), { kind: 'end', reason: 'deadline' })
  const late = router.call({ deadlineAt: NOON + 6000 })
  late.next(NOON)
  late.failed(network, NOON + 6001)
  assert.deepEqual(late.next(NOON + 6001), { kind: 'end', reason: 'deadline' })
})

test('a call makes no more than two hundred attempts', () => {
  const chain: readonly ChainStep[] = [{ action: 'retry', waitSeconds: 1, maxAttempts: 99 }]
  const router = aRouter(three, { failover: { ...defaultFailover, rules: [{ codes: '500', chain }] } })
  let attempts = 0
  const way = wayOf(router.call(), () => {
    attempts += 1
    return status(500)
  })
  assert.equal(attempts, 200)
  assert.match(way, / exhausted$/)
})

test('calls at the same time do not eat each other’s retries', () => {
  const router = aRouter(three)
  const calls = Array.from({ length: 4 }, () => router.call())
  const last = calls.map(() => '')
  for (let second = 0; second <= 15; second += 5) {
    for (const [index, call] of calls.entries()) {
      const step = call.next(NOON + second * 1000)
      last[index] = step.kind === 'send' ? step.channel.id : step.kind
      call.failed(status(429), NOON + second * 1000)
    }
    assert.deepEqual(last, ['a', 'a', 'a', 'a'], `after ${second} s`)
  }
  for (const call of calls) {
    const step = call.next(NOON + 15_000)
    assert.equal(step.kind === 'send' && step.channel.id, 'b')
  }
})

test('while a call waits, a key that another call saw fail gives way to one that is ready', () => {
  const router = aRouter(keyed)
  const call = router.call()
  call.next(NOON)
  call.failed(status(500), NOON)
  assert.equal(wayOf(router.call(), upstreams({ 'a-1': status(401) })), 'a-1 a-2 answer')
  assert.equal(wayOf(call, upstreams({}), NOON + 5000), 'a-2 answer')
})

test('while a call waits, its channel may be disabled, suspended, removed or lose its key', () => {
  const settings = { strategies: {}, failover: defaultFailover }
  const lifted = { channelId: 'a', until: LATER, reason: '429' }
  const changes: readonly (readonly [
    channels: readonly Channel[],
    suspensions: readonly (typeof lifted)[],
    way: string,
  ])[] = [
    [three, [], 'a-1 answer'],
    [inList(aChannel('a', { status: 'disabled' }), aChannel('b')), [], 'b-1 answer'],
    [three, [lifted], 'b-1 answer'],
    [inList(aChannel('b')), [], 'b-1 answer'],
    [inList(aChannel('a', { keys: keysOf('new', 1) }), aChannel('b')), [], 'new-1 answer'],
  ]
  for (const [channels, suspensions, way] of changes) {
    const router = aRouter(three)
    const call = router.call()
    call.next(NOON)
    call.failed(status(500), NOON)
    router.load(channels, suspensions, settings, NOON)
    assert.equal(wayOf(call, upstreams({}), NOON + 5000), way)
  }
})

test('a call whose key was removed while it waited leaves a channel of which no other key is ready', () => {
  const [a, b] = [aChannel('a', { keys: keysOf('a', 2) }), aChannel('b')]
  const router = aRouter(inList(a, b))
  const call = router.call()
  call.next(NOON)
  call.failed(status(500), NOON)
  assert.equal(wayOf(router.call(), upstreams({ a: status(401) })), 'a-1 a-2 b-1 answer')
  const left = { ...a, keys: a.keys.slice(1) }
  router.load(inList(left, b), [], { strategies: {}, failover: defaultFailover }, NOON)
  assert.equal(wayOf(call, upstreams({}), NOON + 5000), 'b-1 answer')
})

test('a key rests as long as its upstream wants, and five minutes if that is less', () => {
  for (const [waitMs, way] of [
    [1000, 'a-1 answer'],
    [7 * 60_000, 'a-2 answer'],
  ] as const) {
    const router = aRouter(keyed)
    assert.equal(wayOf(router.call(), upstreams({ 'a-1': status(401, { waitMs }) })), 'a-1 a-2 answer')
    assert.equal(wayOf(router.call(), upstreams({}), NOON + 6 * 60_000), way)
  }
})

test('a key that works in between does not rest for longer', () => {
  const router = aRouter(keyed)
  let now = NOON
  for (let time = 0; time < 4; time += 1) {
    assert.equal(wayOf(router.call(), upstreams({ 'a-1': status(401) }), now), 'a-1 a-2 answer')
    now += 6 * 60_000
    assert.equal(wayOf(router.call(), upstreams({}), now), 'a-1 answer')
  }
})

test('a key without quota goes behind the others also where the rule only says to go on', () => {
  const rules = [{ codes: '429', chain: [{ action: 'failover', waitSeconds: 0, maxAttempts: 1 } as const] }]
  const router = aRouter(keyed, { failover: { ...defaultFailover, rules } })
  const spent = status(429, { subtype: 'QUOTA_EXHAUSTED' })
  assert.equal(wayOf(router.call(), upstreams({ 'a-1': spent })), 'a-1 a-2 answer')
  assert.equal(wayOf(router.call(), upstreams({}), NOON + 6 * 60_000), 'a-2 answer')
})

test('a quota that is used up rests the key, and suspends the channel with the last one', () => {
  const spent = status(429, { subtype: 'QUOTA_EXHAUSTED' })
  const router = aRouter(keyed)
  assert.equal(wayOf(router.call(), upstreams({ 'a-1': spent })), 'a-1 a-2 answer')
  assert.deepEqual(router.suspended, [])
  assert.equal(wayOf(router.call(), upstreams({ a: spent })), 'a-2 a-3 b-1 answer')
  assert.deepEqual(router.suspended, [{ channelId: 'a', until: NOON + 300_000, reason: '429:QUOTA_EXHAUSTED' }])
  assert.equal(wayOf(router.call(), upstreams({})), 'b-1 answer')
})

test('a rule may suspend a channel for whatever it says', () => {
  const rules = [{ codes: '503', chain: [{ action: 'suspend', waitSeconds: 0, maxAttempts: 1 } as const] }]
  const router = aRouter(three, { failover: { ...defaultFailover, rules } })
  assert.equal(wayOf(router.call(), upstreams({ a: status(503) })), 'a-1 b-1 answer')
  assert.deepEqual(router.suspended, [{ channelId: 'a', until: NOON + 300_000, reason: '503' }])
})

test('what comes after the answer has begun changes nothing', () => {
  const router = aRouter(three)
  const call = router.call()
  call.next(NOON)
  call.succeeded(NOON)
  call.failed(status(500), NOON)
  call.succeeded(NOON)
  assert.deepEqual(call.next(NOON), { kind: 'end', reason: 'answer' })
  assert.equal(router.health('a')?.failureRate, 0)
})
