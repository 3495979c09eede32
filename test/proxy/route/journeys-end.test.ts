import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Channel, channelStatuses } from '../../../proxy/domain/channel.ts'
import type { Failure } from '../../../proxy/route/failure.ts'
import type { Journey } from '../../../proxy/route/journey.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { aRouter, NOON, status } from '../../support/journeys.ts'
import { rounds } from '../../support/rounds.ts'

const MINUTE = 60_000
const ids = ['a', 'b', 'c', 'd', 'mix'] as const

const failures: readonly Failure[] = [
  { kind: 'network' },
  { kind: 'busy' },
  ...[400, 401, 403, 404, 429, 500, 502, 503, 504, 529].map((code) => status(code)),
  status(429, { waitMs: 7000 }),
  status(429, { waitMs: 3_600_000 }),
  status(429, { subtype: 'QUOTA_EXHAUSTED', suspendMs: 3_600_000 }),
  status(403, { subtype: 'CREDIT_EXHAUSTED' }),
  status(429, { subtype: 'model_cooldown', waitMs: 1500 }),
  status(429, { subtype: 'RESOURCE_EXHAUSTED' }),
]

/** Most are in order. */
const channels = fc
  .tuple(
    ...ids.map((id) =>
      fc
        .record({
          status: fc.constantFrom(...channelStatuses, 'active', 'active', 'active', 'active'),
          fault: fc.constantFrom(null, null, null, null, 'undecipherable'),
          priority: fc.nat(3),
          promotionUntil: fc.constantFrom(null, null, NOON + MINUTE),
          models: fc.constantFrom([], [], ['claude-*'], ['gpt-*']),
          keyCount: fc.nat(3),
        })
        .map(({ keyCount, ...said }) => {
          const keys = Array.from({ length: keyCount }, (_, index) => ({ id: `${id}-${index}`, secret: 'sk' }))
          if (id !== 'mix') return aChannel(id, { ...said, keys })
          const compositeMappings = [{ pattern: 'opus', targets: ['a', 'd', 'gone'], model: null }]
          return aChannel(id, { ...said, serviceType: 'composite', keys: [], compositeMappings })
        }),
    ),
  )
  .map((all): readonly Channel[] => inList(...all))

const calls = fc.record({
  allowed: fc.option(fc.subarray([...ids]), { nil: null }),
  closed: fc.subarray([...ids]).filter((all) => all.length < 3),
  deadlineMs: fc.constantFrom(0, 1, 5000, 30_000, 120_000, Infinity),
  conversation: fc.constantFrom(undefined, 'talk'),
})

/** What happens to an attempt, and how long that takes. */
const happening = fc.record({
  outcome: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...failures) },
    { weight: 1, arbitrary: fc.constant('ok' as const) },
  ),
  tookMs: fc.oneof(fc.constantFrom(0, 1, 5000), fc.nat(20_000)),
  /** Which of the calls under way is next. */
  which: fc.nat(10),
})

const world = fc.record({
  channels,
  calls: fc.array(calls, { minLength: 1, maxLength: 4 }),
  happenings: fc.array(happening, { minLength: 1, maxLength: 60 }),
  strategy: fc.constantFrom('failover', 'round-robin', 'random'),
})

interface UnderWay {
  readonly journey: Journey
  readonly deadlineAt: number
  readonly allowed: readonly string[] | null
  readonly closed: readonly string[]
  /** Channels that were left, in order. */
  readonly visited: string[]
  attempts: number
  /** Its attempt has not ended yet. */
  isOut: boolean
}

test('every call ends, in time, and goes only where it may', () => {
  let attempts = 0
  fc.assert(
    fc.property(world, (all) => {
      const router = aRouter(all.channels, { strategies: { messages: all.strategy } })
      const byId = new Map(all.channels.map((channel) => [channel.id, channel]))
      let now = NOON
      const underWay = all.calls.map(({ allowed, closed, deadlineMs, conversation }): UnderWay => {
        const deadlineAt = NOON + deadlineMs
        const hasRoom = ({ id }: Channel): boolean => !closed.some((other) => other === id)
        const journey = router.call({ allowedChannels: allowed, deadlineAt, conversation, hasRoom })
        return { journey, deadlineAt, allowed, closed, visited: [], attempts: 0, isOut: false }
      })
      const isSuspended = (id: string): boolean =>
        router.suspended.some(
          ({ channelId, until, reason }) => channelId === id && until > now && reason !== 'circuit_open',
        )

      for (let round = 0; underWay.length > 0; round += 1) {
        assert.ok(round < 4 * 3 * 201, 'every call ends')
        const { outcome, tookMs, which } = all.happenings[round % all.happenings.length] ?? assert.fail()
        const index = which % underWay.length
        const at = underWay[index] ?? assert.fail()
        if (at.isOut) {
          now += tookMs
          if (outcome === 'ok') at.journey.succeeded(now)
          else at.journey.failed(outcome, now)
          at.isOut = false
          continue
        }
        const step = at.journey.next(now)
        if (step.kind === 'end') {
          underWay.splice(index, 1)
          continue
        }
        if (step.kind === 'wait') {
          assert.ok(step.waitMs > 0 && now + step.waitMs < at.deadlineAt, 'no wait outlasts the deadline')
          now += step.waitMs
          continue
        }
        const { channel, key, via } = step
        attempts += 1
        at.attempts += 1
        assert.ok(at.attempts <= 200)
        assert.ok(now < at.deadlineAt, 'nothing begins after the deadline')
        assert.ok(at.allowed === null || at.allowed.some((id) => id === (via ?? channel).id), 'it is allowed')
        assert.equal(byId.get(channel.id), channel)
        assert.ok(channel.status === 'active' && channel.fault === null, 'it is in order')
        assert.ok(!isSuspended(channel.id), 'it is not suspended')
        assert.ok(!at.closed.some((id) => id === channel.id || id === via?.id), 'its quota leaves room')
        assert.ok(key !== undefined && channel.keys.includes(key), 'it has a key of the channel')
        assert.ok(via !== undefined || channel.models.every((glob) => glob === 'claude-*'), 'it serves the model')
        assert.ok(via === undefined || ['a', 'd'].includes(channel.id), 'it is a target of the composite')
        if (at.visited.at(-1) !== channel.id) {
          assert.ok(!at.visited.includes(channel.id), 'a channel that was left is not come back to')
          at.visited.push(channel.id)
        }
        at.isOut = true
      }
    }),
    rounds(500),
  )
  assert.ok(attempts > 500, `only ${attempts} attempts were made`)
})

/** How often a channel with one key is asked by a call, by the default rules. */
const attemptsBy: readonly (readonly [failure: Failure, attempts: number])[] = [
  [{ kind: 'network' }, 1],
  [{ kind: 'busy' }, 1],
  [status(401), 1],
  [status(429), 4],
  [status(429, { waitMs: 6000 }), 4],
  [status(500), 3],
  [status(529), 3],
]

test('each call asks each channel as often as its chain says, whatever other calls do at the same time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...attemptsBy), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.nat(10), { minLength: 1, maxLength: 40 }),
      (behaviours, count, turns) => {
        const router = aRouter(inList(...behaviours.map((_, index) => aChannel(String(index)))))
        const all = Array.from({ length: count }, () => ({
          journey: router.call(),
          asked: behaviours.map(() => 0),
          out: -1,
        }))
        const left = [...all]
        let now = NOON
        for (let round = 0; left.length > 0; round += 1) {
          const index = (turns[round % turns.length] ?? 0) % left.length
          const call = left[index] ?? assert.fail()
          if (call.out >= 0) {
            call.journey.failed(behaviours[call.out]?.[0] ?? assert.fail(), now)
            call.out = -1
            continue
          }
          const step = call.journey.next(now)
          if (step.kind === 'wait') now += step.waitMs
          else if (step.kind === 'end') left.splice(index, 1)
          else {
            call.out = Number(step.channel.id)
            call.asked[call.out] = (call.asked[call.out] ?? 0) + 1
          }
        }
        const expected = behaviours.map(([, attempts]) => attempts)
        for (const { asked } of all) assert.deepEqual(asked, expected)
      },
    ),
    rounds(300),
  )
})
