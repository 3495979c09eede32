import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { type Bank, keyUnits, type LeaseAsk, type Span, type Unit } from '../../../proxy/domain/lease.ts'
import { grantOf } from '../../../proxy/limit/grant.ts'
import { type Bucket, bucketStart, countedAmount, msUntilBelow } from '../../../proxy/limit/rolling-window.ts'
import { REQUEST_WINDOW, spanOf, TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { createBank } from '../../../proxy/store/leases.ts'
import { createTurns } from '../../../proxy/store/turns.ts'
import { openDatabase, type TestDatabase } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'
import { seededRandom } from '../../support/load.ts'
import { rounds } from '../../support/rounds.ts'

const HOUR = 3_600_000
const ASKS = 100

/** In which buckets a unit is counted. */
const sources: Readonly<Record<Unit, string>> = {
  tokens: 'tokens',
  requests: 'requests',
  usd_5h: 'usd_minute',
  usd_day: 'usd_hour',
  usd_month: 'usd_hour',
  quota_requests: 'quota_requests',
  quota_credit: 'quota_credit',
}

const quotaSpans: readonly Span[] = [
  { bucketMs: 60_000, lengthMs: 5 * HOUR },
  { bucketMs: HOUR, lengthMs: 24 * HOUR, period: 'day' },
  { bucketMs: HOUR, lengthMs: 30 * 24 * HOUR, period: 'month' },
]

interface Limited {
  readonly kind: 'key' | 'channel'
  readonly unit: Unit
  readonly span: Span
}

const limited: fc.Arbitrary<Limited> = fc.oneof(
  fc
    .record({ unit: fc.constantFrom(...keyUnits), isCalendar: fc.boolean() })
    .map(({ unit, isCalendar }) => ({ kind: 'key' as const, unit, span: spanOf(unit, isCalendar) })),
  fc.constant({ kind: 'channel' as const, unit: 'requests' as const, span: REQUEST_WINDOW }),
  fc
    .record({
      unit: fc.constantFrom('quota_requests' as const, 'quota_credit' as const),
      span: fc.constantFrom(...quotaSpans),
    })
    .map((quota) => ({ kind: 'channel' as const, ...quota })),
)

const amount = fc.oneof(fc.nat(400), fc.constantFrom(0, 1, 100))
/** As parts of the span: within it, around its end, and long gone. */
const age = fc.oneof(fc.double({ min: 0, max: 1.2, noNaN: true }), fc.constantFrom(0, 0.999, 1, 1.001))

interface State extends Limited {
  readonly limit: number
  readonly base: number
  readonly wanted: number
  readonly spare: number
  readonly told: readonly { readonly age: number; readonly amount: number }[]
  readonly buckets: readonly { readonly age: number; readonly amount: number }[]
  readonly leases: readonly { readonly holder: string; readonly amount: number; readonly leftMs: number }[]
}

const state: fc.Arbitrary<State> = fc
  .record({
    of: limited,
    limit: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.constantFrom(1, 100, 200)),
    base: fc.oneof(fc.constant(0), amount),
    wanted: amount,
    spare: amount,
    told: fc.array(fc.record({ age, amount }), { maxLength: 2 }),
    buckets: fc.array(fc.record({ age, amount }), { maxLength: 6 }),
    leases: fc.uniqueArray(
      fc.record({
        holder: fc.constantFrom('me', 'b', 'c', 'd'),
        amount,
        leftMs: fc.constantFrom(-60_000, -1, 1, 60_000),
      }),
      { selector: ({ holder }) => holder, maxLength: 4 },
    ),
  })
  .map(({ of, ...rest }) => ({ ...of, ...rest }))

function bankIn({ database }: Pick<TestDatabase, 'database'>, replica: string): Bank {
  return createBank(database, replica, createTurns())
}

function askOf(more: Partial<LeaseAsk> = {}): LeaseAsk {
  const none = { base: 0, wanted: 0, spare: 0, used: [] }
  return { subject: 'key-1', unit: 'tokens', span: TOKEN_WINDOW, limit: 1000, ...none, ...more }
}

async function grantedTo(bank: Bank, more: Partial<LeaseAsk>): Promise<number> {
  return (await bank.borrow(() => [askOf(more)])).grants[0]?.granted ?? NaN
}

function merged(buckets: readonly Bucket[]): readonly Bucket[] {
  const sums = new Map<number, number>()
  for (const { start, amount: one } of buckets) sums.set(start, (sums.get(start) ?? 0) + one)
  return [...sums].map(([start, sum]) => ({ start, amount: sum })).toSorted((one, other) => one.start - other.start)
}

function startsOf(parts: State['buckets'], span: Span, now: number): readonly Bucket[] {
  const lengthMs = span.lengthMs + span.bucketMs
  return merged(
    parts.map((part) => ({ start: bucketStart(Math.floor(now - part.age * lengthMs), span), amount: part.amount })),
  )
}

/** Puts the states into the store, each with a subject of its own. */
async function arrange({ query }: TestDatabase, states: readonly State[], run: number) {
  const [clock] = await query<{ now: number }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000) AS now')
  const now = Number(clock?.now)
  const placed = states.map((one, place) => ({
    ...one,
    subject: `${one.kind === 'key' ? '' : 'channel:'}${run}-${place}`,
    used: startsOf(one.told, one.span, now),
    known: startsOf(one.buckets, one.span, now),
    live: one.leases.map((lease) => ({ ...lease, expiresAt: now + lease.leftMs })),
  }))
  const buckets = placed.flatMap(({ subject, unit, known }) =>
    known.map(({ start, amount: one }) => [subject, sources[unit], start, one]),
  )
  await query(
    `INSERT INTO limit_buckets (subject, unit, start, amount)
     SELECT cell ->> 0, cell ->> 1, (cell ->> 2)::bigint, (cell ->> 3)::bigint FROM jsonb_array_elements($1::jsonb) AS cell`,
    JSON.stringify(buckets),
  )
  const leases = placed.flatMap(({ subject, unit, live }) =>
    live.map(({ holder, amount: one, expiresAt }) => [holder, subject, unit, one, expiresAt]),
  )
  await query(
    `INSERT INTO limit_leases (replica_id, subject, unit, amount, expires_at)
     SELECT cell ->> 0, cell ->> 1, cell ->> 2, (cell ->> 3)::bigint, (cell ->> 4)::bigint
     FROM jsonb_array_elements($1::jsonb) AS cell`,
    JSON.stringify(leases),
  )
  return placed
}

test('PostgreSQL grants what the rule says, and tells how each of a hundred limits stands', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const bank = bankIn(store, 'me')
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: ASKS, maxLength: ASKS }), async (states) => {
      const placed = await arrange(store, states, ++run)
      const asks = placed.map(({ subject, unit, span, limit, base, wanted, spare, used }) =>
        askOf({
          subject,
          unit,
          span,
          limit,
          base,
          wanted,
          spare,
          used: used.map((one) => [one.start, one.amount] as const),
        }),
      )
      const { grants, now, replicas } = await bank.borrow(() => asks)
      assert.equal(replicas, 1)
      assert.equal(grants.length, ASKS)
      for (const [place, one] of placed.entries()) {
        const ask = asks[place] ?? askOf()
        const buckets = merged([...one.known, ...one.used])
        const used = countedAmount(buckets, one.span, now)
        const others = one.live
          .filter(({ holder, expiresAt }) => holder !== 'me' && expiresAt > now)
          .reduce((sum, lease) => sum + lease.amount, 0)
        const endsAt = used < one.limit ? null : now + msUntilBelow(buckets, one.span, one.limit, now)
        const { subject, unit } = one
        assert.deepEqual(
          grants.find((grant) => grant.subject === subject),
          { subject, unit, granted: grantOf(ask, { used, others }), used, others, endsAt },
        )
      }
      const held = await store.query<{ subject: string; amount: number; expires_at: number }>(
        "SELECT subject, amount, expires_at FROM limit_leases WHERE replica_id = 'me' AND amount > 0 AND expires_at > $1",
        now + 4999,
      )
      assert.deepEqual(
        new Map(held.map((lease) => [lease.subject, lease.amount])),
        new Map(grants.flatMap(({ subject, granted }) => (granted > 0 ? [[subject, granted]] : []))),
      )
    }),
    rounds(15),
  )
})

test('the five-hour window is what entries say, less what an administrator gave back', async (t) => {
  const store = await openDatabase(t, 'postgres')
  await writeEntries(store.database, [closedEntry({ spend: 700 })].map(rowJson))
  const bank = bankIn(store, 'me')
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 700)
  await store.keys.reset('key-1', Date.now())
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 0)
  await writeEntries(store.database, [closedEntry({ spend: 30 })].map(rowJson))
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 30)
})

test('replicas count while they are heard of, and not after', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [one, two] = [bankIn(store, 'one'), bankIn(store, 'two')]
  const replicasOf = async (bank: Bank): Promise<number> => (await bank.borrow(() => [])).replicas
  assert.equal(await replicasOf(one), 1)
  assert.equal(await replicasOf(two), 2)
  await store.query("UPDATE replicas SET seen_at = seen_at - 6000 WHERE id = 'one'")
  assert.equal(await replicasOf(two), 1)
  assert.equal(await replicasOf(one), 2)
  await two.leave()
  assert.equal(await replicasOf(one), 1)
})

/** Banks of as many replicas, each with connections of its own. */
async function banks(t: TestContext, count: number): Promise<{ store: TestDatabase; all: readonly Bank[] }> {
  const store = await openDatabase(t, 'postgres')
  const all = await Promise.all(
    Array.from({ length: count }, async (_, place) =>
      bankIn({ database: await store.openAgain() }, `replica-${place}`),
    ),
  )
  return { store, all }
}

const contested: readonly Pick<LeaseAsk, 'subject' | 'unit' | 'span'>[] = [
  { subject: 'key-1', unit: 'tokens', span: TOKEN_WINDOW },
  { subject: 'channel:anthropic', unit: 'requests', span: REQUEST_WINDOW },
  {
    subject: 'channel:anthropic',
    unit: 'quota_requests',
    span: { bucketMs: HOUR, lengthMs: 24 * HOUR, period: 'day' },
  },
  { subject: 'channel:openai', unit: 'quota_credit', span: { bucketMs: 60_000, lengthMs: 5 * HOUR } },
]

test('replicas that ask at the same moment are never given more than a limit together', async (t) => {
  const { store, all } = await banks(t, 4)
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const LIMIT = 100
  for (let round = 0; round < Number(process.env['ROUNDS'] ?? 60); round++) {
    await store.query('DELETE FROM limit_leases')
    const held = all.map(() => contested.map(() => 0))
    for (let turn = 0; turn < 3; turn++) {
      await Promise.all(
        all.map(async (bank, replica) => {
          const asks = contested.map((one, place) =>
            askOf({ ...one, limit: LIMIT, base: upTo(held[replica]?.[place] ?? 0), wanted: upTo(60), spare: upTo(20) }),
          )
          const { grants } = await bank.borrow(() => (replica % 2 === 0 ? asks : asks.toReversed()))
          held[replica] = contested.map(
            ({ subject, unit }) =>
              grants.find((grant) => grant.subject === subject && grant.unit === unit)?.granted ?? NaN,
          )
        }),
      )
      for (const [place, { subject, unit }] of contested.entries()) {
        const sum = held.reduce((total, one) => total + (one[place] ?? NaN), 0)
        assert.ok(sum <= LIMIT, `${sum} of ${LIMIT} ${unit} of ${subject}: ${JSON.stringify(held)}`)
        assert.ok(sum > 0, `nobody was given ${unit} of ${subject}`)
      }
    }
  }
})

test('what is told of a channel by several replicas at once counts, all of it', async (t) => {
  const { all } = await banks(t, 4)
  const start = bucketStart(Date.now(), { bucketMs: HOUR, lengthMs: HOUR })
  const one = askOf({
    subject: 'channel:anthropic',
    unit: 'quota_credit',
    span: { bucketMs: HOUR, lengthMs: 24 * HOUR },
    used: [[start, 7]],
  })
  for (let round = 0; round < 10; round++) await Promise.all(all.map((bank) => bank.borrow(() => [one])))
  const { grants } = await (all[0] ?? assert.fail()).borrow(() => [{ ...one, used: [[start, -10]] }])
  assert.equal(grants[0]?.used, 4 * 10 * 7 - 10)
})

test('a lease that has lapsed is somebody else’s', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [dead, living] = [bankIn(store, 'dead'), bankIn(store, 'living')]
  assert.equal(await grantedTo(dead, { wanted: 1000 }), 1000)
  assert.equal(await grantedTo(living, { wanted: 400 }), 0)
  await store.query("UPDATE limit_leases SET expires_at = expires_at - 5001 WHERE replica_id = 'dead'")
  assert.equal(await grantedTo(living, { wanted: 400 }), 400)
  // And who comes back gets what is left.
  assert.equal(await grantedTo(dead, { base: 100, wanted: 500 }), 600)
})

test('a replica that leaves gives back what it held, and nothing of others', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [one, two] = [bankIn(store, 'one'), bankIn(store, 'two')]
  await grantedTo(one, { wanted: 600 })
  await grantedTo(two, { wanted: 300 })
  await one.leave()
  assert.deepEqual(await store.query('SELECT replica_id, amount FROM limit_leases'), [
    { replica_id: 'two', amount: 300 },
  ])
  assert.equal(await grantedTo(two, { base: 300, wanted: 700 }), 1000)
})

test('a lease that is not needed any more leaves nothing behind', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const bank = bankIn(store, 'me')
  await grantedTo(bank, { wanted: 600 })
  assert.equal(await grantedTo(bank, {}), 0)
  assert.deepEqual(await store.query('SELECT FROM limit_leases'), [])
})

test('a commit moves what was spent out of the lease at the same instant', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const bank = bankIn(store, 'spool-1')
  await bank.borrow(() => [
    askOf({ wanted: 900 }),
    askOf({ unit: 'usd_5h', span: TOKEN_WINDOW, limit: 90_000, wanted: 90_000 }),
    askOf({ unit: 'requests', span: REQUEST_WINDOW, wanted: 5 }),
    askOf({ subject: 'key-2', wanted: 50 }),
  ])
  let isWriting = true
  const seen = new Set<string>()
  const look = async (): Promise<void> => {
    while (isWriting) {
      const rows = await store.query<{ unit: string; sum: number }>(
        `SELECT unit, amount + (SELECT coalesce(sum(amount), 0) FROM limit_usage AS used WHERE used.subject = lease.subject
           AND used.unit = CASE lease.unit WHEN 'usd_5h' THEN 'usd_minute' ELSE lease.unit END) AS sum
         FROM limit_leases AS lease WHERE subject = 'key-1' ORDER BY unit`,
      )
      seen.add(rows.map(({ unit, sum }) => `${unit} ${sum}`).join(', '))
    }
  }
  const looking = look()
  for (let batch = 0; batch < 8; batch++) {
    const entries = [closedEntry({ spend: 60, costNanoUsd: 5000 }), closedEntry({ spend: 40, costNanoUsd: null })]
    await writeEntries(store.database, entries.map(rowJson), 'spool-1')
  }
  isWriting = false
  await looking
  assert.deepEqual([...seen], ['requests 5, tokens 900, usd_5h 90000'])
  assert.deepEqual(await store.query('SELECT subject, unit, amount FROM limit_leases ORDER BY subject, unit'), [
    { subject: 'key-1', unit: 'requests', amount: 5 },
    { subject: 'key-1', unit: 'tokens', amount: 100 },
    { subject: 'key-1', unit: 'usd_5h', amount: 50_000 },
    { subject: 'key-2', unit: 'tokens', amount: 50 },
  ])
})

test('a spend beyond the lease leaves the lease empty and not negative', async (t) => {
  const store = await openDatabase(t, 'postgres')
  await grantedTo(bankIn(store, 'spool-1'), { wanted: 100 })
  await writeEntries(store.database, [rowJson(closedEntry({ spend: 130 }))], 'spool-1')
  assert.deepEqual(await store.query('SELECT amount FROM limit_leases'), [{ amount: 0 }])
})

test('who adopts a dead replica’s spool lowers the dead one’s lease and not its own', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [dead, adopter] = [bankIn(store, 'dead'), bankIn(store, 'adopter')]
  await grantedTo(dead, { wanted: 500 })
  await grantedTo(adopter, { wanted: 300 })
  const entry = closedEntry({ spend: 200 })
  await writeEntries(store.database, [rowJson(entry)], 'dead')
  await writeEntries(store.database, [rowJson(entry)], 'adopter') // as after an answer that was lost
  assert.deepEqual(await store.query('SELECT replica_id, amount FROM limit_leases ORDER BY 1'), [
    { replica_id: 'adopter', amount: 300 },
    { replica_id: 'dead', amount: 300 },
  ])
})

test('amounts as large as a caller can name are no error to the others in the statement', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const most = Number.MAX_SAFE_INTEGER
  const { grants } = await bankIn(store, 'me').borrow(() => [
    askOf({ subject: 'channel:vast', base: most, wanted: most, spare: most }),
    askOf({ wanted: 10 }),
  ])
  assert.deepEqual(grants.map(({ subject, granted }) => [subject, granted]).toSorted(), [
    ['channel:vast', most],
    ['key-1', 10],
  ])
})

test('what waits for the leases of a replica hears of its commit before the leases are asked for', async () => {
  const alone = createTurns()
  const heard: string[] = []
  const relay = async <T>(work: Promise<T>): Promise<T> => await work
  const commit = relay(relay(relay(relay(alone(() => Promise.resolve()))))).then(() => heard.push('committed'))
  const borrow = alone(async () => void heard.push('asked'))
  await Promise.all([commit, borrow])
  assert.deepEqual(heard, ['committed', 'asked'])
})
