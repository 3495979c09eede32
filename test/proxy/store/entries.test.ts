import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { entryColumns, entryFromRow, type EntryRow } from '../../../proxy/domain/entry-row.ts'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { openDatabase, type TestDatabase } from '../../support/database.ts'
import { anyEntry, closedEntry } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

const MINUTE_MS = 60_000

async function sumsOf({ query }: TestDatabase): Promise<object> {
  return {
    lifetime: await query(
      'SELECT key_id AS id, sum(spend_tokens) AS tokens, max(admitted_at) AS at FROM request_logs GROUP BY 1 ORDER BY 1',
    ),
    windows: await query(
      `SELECT key_id, admitted_at - admitted_at % ${MINUTE_MS} AS minute, sum(spend_tokens) AS tokens
       FROM request_logs GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
  }
}

async function countersOf({ query }: TestDatabase): Promise<object> {
  return {
    lifetime: await query(
      'SELECT id, lifetime_tokens AS tokens, last_used_at AS at FROM api_keys WHERE last_used_at IS NOT NULL ORDER BY 1',
    ),
    windows: await query('SELECT key_id, minute, tokens FROM usage_windows ORDER BY 1, 2'),
  }
}

async function stored({ query }: TestDatabase): Promise<Entry[]> {
  const rows = await query<Record<string, EntryRow[number]>>(
    `SELECT ${entryColumns.join(', ')} FROM request_logs ORDER BY rowid`,
  )
  return rows.map((row) => entryFromRow(Object.values(row)))
}

/** What an adopter writes of a call in flight. */
function interrupted(entry: Entry, spend: number): Entry {
  const usage = { ...NO_USAGE, inputTokens: spend }
  return { ...entry, status: 'interrupted', error: 'interrupted', metering: 'estimated', httpStatus: 0, usage, spend }
}

test('an entry is stored as it is, whatever its names are made of', async (t) => {
  const store = await openDatabase(t)
  const entries = fc.sample(anyEntry, { numRuns: 300, seed: 1 })
  await writeEntries(store.database, entries)
  assert.deepEqual(await stored(store), entries)
})

test('what was new is told, and what was there before moves nothing', async (t) => {
  const store = await openDatabase(t)
  const [one, two, three] = [closedEntry(), closedEntry({ keyId: 'key-2' }), closedEntry()]
  const told = ({ keyId, admittedAt, spend }: Entry): object => ({ keyId, admittedAt, spend })
  assert.deepEqual(await writeEntries(store.database, [one, two]), [told(one), told(two)])
  assert.deepEqual(await writeEntries(store.database, [one, two]), [])
  assert.deepEqual(await writeEntries(store.database, [two, three, one]), [told(three)])
  assert.deepEqual(await writeEntries(store.database, []), [])
  assert.deepEqual(await stored(store), [one, two, three])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

test('of two ends of one call the first one counts', async (t) => {
  const store = await openDatabase(t)
  const first = closedEntry()
  const second = { ...first, spend: 99, usage: { ...NO_USAGE, outputTokens: 99 } }
  assert.equal((await writeEntries(store.database, [first, second])).length, 1)
  assert.equal((await writeEntries(store.database, [second])).length, 0)
  assert.deepEqual(await stored(store), [first])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

test('the end of a call that looked interrupted corrects its entry once, by the difference', async (t) => {
  const store = await openDatabase(t)
  const entry = closedEntry({ spend: 30 })
  await writeEntries(store.database, [interrupted(entry, 100)])
  const [correction] = await writeEntries(store.database, [entry])
  assert.equal(correction?.spend, -70)
  assert.deepEqual(await writeEntries(store.database, [entry, interrupted(entry, 100)]), [])
  assert.deepEqual(await stored(store), [entry])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

test('a call that has ended does not become interrupted', async (t) => {
  const store = await openDatabase(t)
  const entry = closedEntry()
  await writeEntries(store.database, [entry])
  assert.deepEqual(await writeEntries(store.database, [interrupted(entry, 100)]), [])
  assert.deepEqual(await stored(store), [entry])
})

for (const order of ['before', 'after'] as const) {
  test(`an interruption ${order} the end of its call in one batch is corrected by it`, async (t) => {
    const store = await openDatabase(t)
    const entry = closedEntry({ spend: 30 })
    const both = order === 'before' ? [interrupted(entry, 5), entry] : [entry, interrupted(entry, 5)]
    const applied = await writeEntries(store.database, [...both, ...both])
    assert.equal(
      applied.reduce((sum, { spend }) => sum + spend, 0),
      30,
    )
    assert.deepEqual(await stored(store), [entry])
    assert.deepEqual(await countersOf(store), await sumsOf(store))
  })
}

test('a batch that fails leaves nothing behind', async (t) => {
  const store = await openDatabase(t)
  const broken = { ...closedEntry(), durationMs: Number.NaN } // NULL in JSON, and the column takes none
  await assert.rejects(writeEntries(store.database, [closedEntry(), broken]))
  assert.deepEqual(await stored(store), [])
  assert.deepEqual(await countersOf(store), { lifetime: [], windows: [] })
})

test('many writers at once count everything once', async (t) => {
  const store = await openDatabase(t)
  const entries = Array.from({ length: 200 }, () => closedEntry())
  await Promise.all(
    Array.from({ length: 20 }, (_, writer) => writeEntries(store.database, entries.slice(writer * 9, writer * 9 + 40))),
  )
  assert.equal((await stored(store)).length, 200)
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

test('whatever is written, repeated and corrected in whatever order, the counters are the sums of the entries', async (t) => {
  const store = await openDatabase(t)
  const start = Date.now()
  const call = fc.record({
    id: fc.nat(30),
    spend: fc.nat(1000),
    isInterrupted: fc.boolean(),
    key: fc.integer({ min: 1, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(call, { maxLength: 12 }), { maxLength: 4 }), async (batches) => {
      for (const batch of batches) {
        const entries = batch.map(({ id, spend, isInterrupted }) => {
          // A call's key and minute are the same in everything that is said of it.
          const entry = closedEntry({
            id: `call-${id}`,
            keyId: `key-${1 + (id % 3)}`,
            admittedAt: start - (id % 5) * MINUTE_MS,
            spend,
          })
          return isInterrupted ? interrupted(entry, spend) : entry
        })
        await writeEntries(store.database, entries)
      }
      assert.deepEqual(await countersOf(store), await sumsOf(store))
      await store.database.sequelize.query('DELETE FROM request_logs')
      await store.database.sequelize.query('DELETE FROM usage_windows')
      await store.database.sequelize.query('UPDATE api_keys SET lifetime_tokens = 0, last_used_at = NULL')
    }),
    rounds(40),
  )
})
