import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { NO_USAGE, spendOf } from '../../../proxy/domain/usage.ts'
import { clearLedger, countersOf, interrupted, sumsOf, write } from '../../support/counters.ts'
import { openDatabase, testEngines } from '../../support/database.ts'
import { anyAttempt } from '../../support/any-entry.ts'
import { closedEntry, summedUp } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

const MINUTE_MS = 60_000
const START = Date.UTC(2030, 0, 1)

const tokens = fc.nat(1000)
const said = fc.record({
  id: fc.nat(30),
  isInterrupted: fc.boolean(),
  status: fc.constantFrom('completed', 'failed', 'client_gone'),
  httpStatus: fc.constantFrom(0, 200, 399, 400, 502),
  channel: fc.constantFrom('a', 'b'),
  costNanoUsd: fc.option(fc.oneof(fc.nat(1000), fc.constant(9_000_000_000_000))),
  quota: fc.constantFrom(null, 'channel:0badcafe:0', 'channel:0badcafe:1800000000000'),
  attempts: fc.array(anyAttempt, { maxLength: 2 }),
  usage: fc.record({
    inputTokens: tokens,
    cacheReadTokens: tokens,
    cacheWriteTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
  }),
})

/** What is known when a call begins, its key, minute and model, is the same in everything that is said of it. */
function entryOf({ id, isInterrupted, usage, ...more }: typeof said extends fc.Arbitrary<infer T> ? T : never): Entry {
  const entry = closedEntry({
    ...more,
    id: `call-${String(id).padStart(21, '0')}`,
    keyId: `key-${1 + (id % 3)}`,
    admittedAt: START - (id % 5) * 17 * MINUTE_MS, // in three hours
    model: [null, 'one', 'two'][id % 4] ?? null,
    usage: { ...NO_USAGE, ...usage },
    spend: spendOf({ ...NO_USAGE, ...usage }, false),
  })
  return isInterrupted ? interrupted(entry, entry.spend, entry.costNanoUsd) : entry
}

const batches = fc.array(fc.array(said, { maxLength: 12 }), { maxLength: 4 })

testEngines(
  'whatever is written, repeated and corrected in whatever order, the counters are the sums of the entries',
  async (_t, store) => {
    await fc.assert(
      fc.asyncProperty(batches, async (written) => {
        await clearLedger(store)
        const told = []
        for (const batch of written) told.push(...(await write(store, batch.map(entryOf))))
        const counters = await countersOf(store)
        assert.deepEqual(counters, await sumsOf(store))
        const applied = summedUp(told)
        const cost = applied.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0)
        const [moved] = await store.query<{ cost: number | null }>(
          'SELECT sum(cost_nano_usd) AS cost FROM request_logs',
        )
        assert.equal(cost, moved?.cost ?? 0)
        const spends = applied.map(({ keyId, minute, spend }) => ({ key_id: keyId, minute, tokens: spend }))
        assert.deepEqual(
          spends,
          (await store.query<(typeof spends)[0]>('SELECT * FROM usage_windows ORDER BY 1, 2')).map((row) => ({
            ...row,
          })),
        )
      }),
      rounds(60),
    )
  },
)

testEngines(
  'whatever two processes write at the same time, the counters are the sums of the entries',
  async (_t, store) => {
    const others = [store, { database: await store.openAgain() }]
    await fc.assert(
      fc.asyncProperty(batches, batches, async (...written) => {
        await clearLedger(store)
        const writers = others.map(async (other, at) => {
          for (const batch of written[at] ?? []) await write(other, batch.map(entryOf))
        })
        await Promise.all(writers)
        assert.deepEqual(await countersOf(store), await sumsOf(store))
      }),
      rounds(30),
    )
  },
)

test('postgres: a batch that two processes write at the same moment counts once', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const other = { database: await store.openAgain() }
  const told = []
  for (let round = 0; round < 60; round++) {
    const entries = Array.from({ length: 20 }, (_, place) => closedEntry({ keyId: `key-${1 + (place % 3)}` }))
    const [one, two] = await Promise.all([write(store, entries), write(other, entries)])
    told.push(...one, ...two)
  }
  assert.equal(
    told.reduce((sum, { entries }) => sum + entries, 0),
    1200,
  )
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

test('postgres: writers of the same keys wait for one another, and never in a circle', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const writers = [store.database, await store.openAgain(), await store.openAgain()].map((database) => ({ database }))
  // Batches overlap, and name keys, minutes and entries in ever other orders.
  const shared = Array.from({ length: 90 }, (_, place) =>
    closedEntry({
      keyId: `key-${1 + (place % 5)}`,
      admittedAt: START + (place % 7) * 17 * MINUTE_MS,
      costNanoUsd: place % 3 === 0 ? null : place,
      channel: `c${place % 4}`,
      quota: `channel:0badcaf${place % 3}:0`,
    }),
  )
  const random = fc.sample(fc.shuffledSubarray(shared, { minLength: 20 }), { numRuns: 300, seed: 1 })
  let next = 0
  const worker = async (writer: (typeof writers)[0]): Promise<void> => {
    for (;;) {
      const batch = random[next++]
      if (!batch) return
      await write(writer, next % 3 === 0 ? batch.map((entry) => interrupted(entry, 5, 9)) : batch)
    }
  }
  await Promise.all([...writers, ...writers, ...writers].map(worker))
  // Two of the keys are not there, and have no row that anybody could wait for.
  const [counters, sums] = [await countersOf(store), await sumsOf(store)]
  assert.deepEqual(
    [counters.windows, counters.buckets, counters.credit, counters.stats],
    [sums.windows, sums.buckets, sums.credit, sums.stats],
  )
  assert.deepEqual(counters.lifetime, sums.lifetime.slice(0, 3))
})

test('postgres: of an interruption and its correction that come at the same moment the correction stays', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const other = { database: await store.openAgain() }
  for (let round = 0; round < 60; round++) {
    const entries = Array.from({ length: 5 }, (_, place) => closedEntry({ spend: place, costNanoUsd: place }))
    const lost = entries.map((entry) => ({ ...interrupted(entry, 50, 70), channel: 'lost' }))
    await Promise.all(
      round % 2 === 0
        ? [write(store, entries), write(other, lost)]
        : [write(other, lost), write(store, entries), write(other, entries.toReversed())],
    )
  }
  assert.deepEqual(await store.query("SELECT id FROM request_logs WHERE status = 'interrupted'"), [])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})
