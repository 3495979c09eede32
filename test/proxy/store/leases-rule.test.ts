import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { keyUnits, type Span, type Unit } from '../../../proxy/domain/lease.ts'
import { grantOf } from '../../../proxy/limit/grant.ts'
import { type Bucket, bucketStart, countedAmount, msUntilBelow } from '../../../proxy/limit/rolling-window.ts'
import { REQUEST_WINDOW, spanOf } from '../../../proxy/limit/spans.ts'
import { openDatabase, type TestDatabase } from '../../support/database.ts'
import { askOf, bankIn } from '../../support/leases.ts'
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
