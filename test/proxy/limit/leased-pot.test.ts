import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LeaseGrant } from '../../../proxy/domain/lease.ts'
import { LeasedPot } from '../../../proxy/limit/leased-pot.ts'
import type { Verdict } from '../../../proxy/limit/pot.ts'
import { REQUEST_WINDOW, TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const REPLICAS = 4

interface PotParts {
  readonly limit: () => number
  readonly unit: 'tokens' | 'requests'
  readonly used: number
}

/** A limit of 1000 tokens, or as many requests. */
function potOf({ limit = () => 1000, unit = 'tokens', used = 0 }: Partial<PotParts> = {}): LeasedPot {
  const isRequests = unit === 'requests'
  return new LeasedPot({
    subject: 'key',
    unit,
    span: () => (isRequests ? REQUEST_WINDOW : TOKEN_WINDOW),
    limit,
    countsAtOnce: isRequests,
    isInLedger: !isRequests,
    before: { used, replicas: 2 },
  })
}

const NOTHING: LeaseGrant = { subject: 'key', unit: 'tokens', granted: 0, used: 0, others: 0, endsAt: null }

function granted(pot: LeasedPot, more: Partial<LeaseGrant>, at = NOW): LeasedPot {
  pot.grant({ ...NOTHING, ...more }, REPLICAS, at)
  return pot
}

interface Situation {
  readonly pot: () => LeasedPot
  readonly upper: number
  /** Since the store was asked. */
  readonly afterMs?: number
  readonly verdict: Verdict
}

const spent = { used: 1000, endsAt: NOW + 60_000 }
const admit: Verdict = { kind: 'admit' }
const wait: Verdict = { kind: 'wait' }

const situations: Readonly<Record<string, Situation>> = {
  'a call before the store was asked': { pot: potOf, upper: 1, verdict: wait },
  'a call within the lease': { pot: () => granted(potOf(), { granted: 100 }), upper: 100, verdict: admit },
  'a call one token larger than what is free of the lease': {
    pot: () => reserved(granted(potOf(), { granted: 100 }), 40),
    upper: 61,
    verdict: wait,
  },
  'a call after a spend that has not been committed': {
    pot: () => settled(granted(potOf(), { granted: 100 }), 40),
    upper: 61,
    verdict: wait,
  },
  'a call within a lease that may have lapsed': {
    pot: () => granted(potOf(), { granted: 100 }),
    upper: 100,
    afterMs: 4001,
    verdict: wait,
  },
  'a small call far from the limit, without a lease': { pot: () => granted(potOf(), {}), upper: 2, verdict: admit },
  'a call larger than the share of a hundredth of what is left': {
    pot: () => granted(potOf(), {}),
    upper: 3,
    verdict: wait,
  },
  'a small call beside one that is in flight on credit': {
    pot: () => reserved(granted(potOf(), {}), 2),
    upper: 1,
    verdict: wait,
  },
  'a call that alone has all that is left, and is larger': {
    pot: () => granted(potOf(), { granted: 300, used: 700 }),
    upper: 5000,
    verdict: admit,
  },
  'a larger call, while another one is in flight': {
    pot: () => reserved(granted(potOf(), { granted: 300, used: 700 }), 1),
    upper: 5000,
    verdict: wait,
  },
  'a larger call, while others hold a lease': {
    pot: () => granted(potOf(), { granted: 300, used: 690, others: 10 }),
    upper: 5000,
    verdict: wait,
  },
  'a call on a spent limit': {
    pot: () => granted(potOf(), spent),
    upper: 1,
    verdict: { kind: 'refuse', used: 1000, endsAt: NOW + 60_000 },
  },
  'a call on a spent limit that frees in a moment': {
    pot: () => granted(potOf(), { used: 1000, endsAt: NOW + 1 }),
    upper: 1,
    verdict: { kind: 'refuse', used: 1000, endsAt: NOW + 1000 },
  },
  'a call on what was a spent limit a second ago': {
    pot: () => granted(potOf(), spent),
    upper: 1,
    afterMs: 1001,
    verdict: wait,
  },
  'a call within a lease, though the limit was lowered below what is used': {
    pot: () => granted(potOf({ limit: () => 500 }), { granted: 100, used: 600 }),
    upper: 100,
    verdict: admit,
  },
}

function reserved(pot: LeasedPot, upper: number): LeasedPot {
  pot.reserve(upper, NOW)
  return pot
}

function settled(pot: LeasedPot, actual: number): LeasedPot {
  pot.reserve(actual, NOW)
  pot.settle(actual, actual, NOW)
  return pot
}

for (const [what, { pot, upper, afterMs = 0, verdict }] of Object.entries(situations)) {
  test(`${what}: ${verdict.kind}`, () => assert.deepEqual(pot().verdict(upper, NOW + afterMs), verdict))
}

test('a call that did not happen, or used less than it could, frees the rest of the lease', () => {
  const pot = reserved(reserved(granted(potOf(), { granted: 100 }), 50), 50)
  assert.deepEqual(pot.verdict(1, NOW), wait)
  pot.release(50, NOW)
  pot.settle(50, 20, NOW)
  assert.deepEqual(pot.verdict(80, NOW), admit)
  assert.deepEqual(pot.verdict(81, NOW), wait)
})

test('a commit changes nothing of what may be spent', () => {
  const pot = settled(granted(potOf(), { granted: 100 }), 40)
  pot.committed(40)
  assert.deepEqual(pot.verdict(60, NOW), admit)
  assert.deepEqual(pot.verdict(61, NOW), wait)
  assert.equal(pot.left(NOW), 960)
})

test('a lease is asked for what is in flight and spent, the next call, and all calls behind it', () => {
  const pot = settled(reserved(granted(potOf(), { granted: 100, used: 900 }), 70), 30)
  for (const upper of [50, 60, 70]) pot.verdict(upper, NOW)
  const { base, wanted, spare } = pot.ask(NOW) ?? assert.fail()
  assert.deepEqual({ base, wanted, spare }, { base: 100, wanted: 50, spare: 130 })
  assert.equal(pot.ask(NOW + 1)?.wanted, 0) // who still waits looks again, and says so again
})

test('a call that asks again and again while it waits is one call, and none when it has been let in', () => {
  const pot = granted(potOf(), { granted: 0, used: 900 })
  const [first, second] = [{}, {}]
  for (const asker of [first, second, first, second]) assert.deepEqual(pot.verdict(50, NOW, asker), wait)
  assert.partialDeepStrictEqual(pot.ask(NOW), { wanted: 50, spare: 50 })
  for (const asker of [first, second]) assert.deepEqual(pot.verdict(50, NOW, asker), wait)
  granted(pot, { granted: 50, used: 900 })
  assert.deepEqual(pot.verdict(50, NOW, first), admit)
  assert.deepEqual(pot.verdict(51, NOW, second), wait)
  assert.equal(pot.ask(NOW)?.wanted, 51)
})

test('far from the limit as much is spare as two seconds need, and near it nothing', () => {
  const far = granted(potOf({ limit: () => 1_000_000 }), { granted: 5000 })
  far.ask(NOW)
  far.verdict(100, NOW)
  settled(far, 500)
  const spare = far.ask(NOW + 1000)?.spare ?? NaN
  assert.ok(spare >= 500 && spare <= 1100, `${spare}`)
  const near = granted(potOf(), { granted: 100, used: 900 })
  near.verdict(100, NOW)
  assert.equal(near.ask(NOW)?.spare, 0)
})

test('all replicas together hold no more than a quarter of what is left in vain', () => {
  const pot = granted(potOf({ limit: () => 10_000 }), {})
  pot.ask(NOW)
  settled(pot, 9000)
  pot.verdict(10, NOW)
  assert.equal(pot.ask(NOW + 100)?.spare, 10_000 / 4 / REPLICAS)
})

test('a key that nobody calls gives its lease back, and then asks for nothing', () => {
  const pot = granted(potOf(), { granted: 100 })
  pot.verdict(10, NOW)
  assert.ok((pot.ask(NOW + 10_000)?.spare ?? 0) > 0)
  const { base, wanted, spare } = pot.ask(NOW + 10_001) ?? assert.fail()
  assert.deepEqual({ base, wanted, spare }, { base: 0, wanted: 0, spare: 0 })
  granted(pot, { granted: 0 }, NOW + 10_001)
  assert.equal(pot.ask(NOW + 10_002), undefined)
})

test('requests are told with the next ask, and again if nobody answered', () => {
  const pot = potOf({ unit: 'requests' })
  pot.ask(NOW)
  granted(pot, { granted: 10 })
  for (const at of [NOW, NOW + 1, NOW + 1000]) pot.reserve(1, at)
  const first = [
    [NOW, 2],
    [NOW + 1000, 1],
  ]
  assert.deepEqual(pot.ask(NOW + 1000)?.used, first)
  pot.reserve(1, NOW + 1500)
  assert.deepEqual(pot.verdict(6, NOW + 1500), admit) // what is being told is spent all the same
  assert.deepEqual(pot.verdict(7, NOW + 1500), wait)
  pot.lost()
  assert.deepEqual(pot.ask(NOW + 2000)?.used.toSorted(), [
    [NOW, 2],
    [NOW + 1000, 2],
  ])
  granted(pot, { granted: 10, used: 4 })
  assert.deepEqual(pot.ask(NOW + 3000)?.used, [])
})

test('a request that did not happen is taken back, whether it was told or not', () => {
  const pot = granted(potOf({ unit: 'requests' }), { granted: 10 })
  pot.reserve(1, NOW)
  assert.deepEqual(pot.ask(NOW)?.used, [[NOW, 1]])
  granted(pot, { granted: 10, used: 1 })
  pot.release(1, NOW)
  assert.deepEqual(pot.ask(NOW)?.used, [[NOW, -1]])
})

test('a limit that was raised is asked for at once, and one that was removed not at all', () => {
  let limit = 1000
  const pot = granted(potOf({ limit: () => limit }), spent)
  assert.equal(pot.verdict(10, NOW).kind, 'refuse')
  limit = 2000
  assert.equal(pot.verdict(10, NOW).kind, 'wait')
  assert.equal(pot.ask(NOW)?.limit, 2000)
  reserved(granted(pot, { granted: 50, used: 1000 }), 40)
  limit = Infinity
  assert.equal(pot.ask(NOW), undefined)
  pot.settle(40, 30, NOW)
  limit = 3000
  assert.equal(pot.ask(NOW)?.base, 30)
})

test('what a caller says that it may use is asked for as a number that a store can take', () => {
  const pot = granted(potOf(), { granted: 300, used: 700 })
  reserved(pot, 1e31)
  for (const upper of [1e31, 0.5, Number.MAX_SAFE_INTEGER]) pot.verdict(upper, NOW)
  const { base, wanted, spare } = pot.ask(NOW) ?? assert.fail()
  for (const amount of [base, wanted, spare]) assert.ok(Number.isSafeInteger(amount), `${amount}`)
})

const shares: readonly (readonly [share: number | undefined, upper: number])[] = [
  [undefined, 100 + 600 / REPLICAS],
  [0.5, 100 + 600 / 2],
  [0, 100],
  [1, 100 + 600],
]

for (const [share, upper] of shares) {
  test(`without the store a call may use what is held and a share of the rest: ${share ?? 'its own'}`, () => {
    const pot = granted(potOf(), { granted: 100, used: 200, others: 100 })
    pot.goOffline(share, NOW, true)
    // However long that lasts.
    assert.deepEqual(pot.verdict(upper, NOW + 60_000), admit)
    assert.deepEqual(pot.verdict(upper + 1, NOW + 60_000), { kind: 'unknown' })
  })
}

test('a share is granted once, however often the store goes away meanwhile', () => {
  const pot = granted(potOf(), { granted: 100, used: 200 })
  pot.goOffline(0.5, NOW, true)
  settled(pot, 400)
  pot.goOffline(0.5, NOW, true)
  pot.goOnline(NOW + 1000)
  pot.goOffline(0.5, NOW + 1100, true)
  assert.deepEqual(pot.verdict(50, NOW), admit)
  assert.deepEqual(pot.verdict(51, NOW), { kind: 'unknown' })
  pot.committed(400) // the store was only slow, for the books
  assert.deepEqual(pot.verdict(50, NOW), admit)
  assert.deepEqual(pot.verdict(51, NOW), { kind: 'unknown' })
})

test('after an outage nothing new is spent until others can have told what they have spent', () => {
  const pot = granted(potOf(), { granted: 0, used: 200 })
  pot.goOffline(0.5, NOW, true)
  settled(pot, 400)
  pot.goOnline(NOW + 1000)
  assert.deepEqual(pot.verdict(100, NOW + 1000), wait)
  const { base, wanted, spare } = pot.ask(NOW + 1000) ?? assert.fail()
  assert.deepEqual({ base, wanted, spare }, { base: 400, wanted: 0, spare: 0 })
  granted(pot, { granted: 400, used: 200 }, NOW + 3000)
  pot.goOnline(NOW + 3000)
  assert.deepEqual(pot.verdict(100, NOW + 3000), wait)
  assert.equal(pot.ask(NOW + 3000)?.wanted, 100)
})

test('while a store is only slow no more than a little is spent beside the lease, and it is believed at once', () => {
  const pot = granted(potOf(), { granted: 100, used: 200 })
  pot.goOffline(undefined, NOW, false)
  assert.equal(pot.verdict(101, NOW).kind, 'admit')
  assert.equal(pot.verdict(120, NOW).kind, 'wait')
  pot.goOnline(NOW)
  assert.equal(pot.verdict(999, NOW).kind, 'wait')
})

test('a store that was slow and is away then leaves the share of an outage', () => {
  const pot = granted(potOf(), { granted: 100, used: 200 })
  pot.goOffline(0.5, NOW, false)
  pot.goOffline(0.5, NOW, true)
  assert.equal(pot.verdict(400, NOW).kind, 'admit')
  assert.equal(pot.verdict(999, NOW).kind, 'unknown')
})

test('a key whose limit was spent before the store went away is refused, and not put off', () => {
  const pot = potOf({ used: 1000 })
  pot.goOffline(undefined, NOW, true)
  assert.equal(pot.verdict(1, NOW).kind, 'refuse')
})

test('a pot that knows only what was used before it began has its share of the rest', () => {
  const pot = potOf({ used: 400 })
  pot.goOffline(undefined, NOW, true)
  assert.equal(pot.verdict(300, NOW).kind, 'admit')
  assert.equal(pot.verdict(301, NOW).kind, 'unknown')
})

test('what is left and when it comes back is told as far as it is known', () => {
  const pot = reserved(granted(potOf(), { granted: 100, used: 200, others: 300 }), 50)
  assert.equal(pot.left(NOW), 450)
  assert.equal(granted(pot, spent).endsAt(NOW), NOW + 60_000)
  assert.equal(pot.left(NOW), 0)
})
