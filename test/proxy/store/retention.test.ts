import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ulid } from 'ulid'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { run, tableOf } from '../../../proxy/store/database.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { createLogStore } from '../../../proxy/store/logs.ts'
import { oldestRetainedId, prune, readRemovedBefore } from '../../../proxy/store/retention.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { clearLedger, write } from '../../support/counters.ts'
import { openDatabase, type TestDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

const NOW = 1_800_000_000_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

testEngines(
  'entries that are older than their retention go, in as many chunks as it takes, and no others',
  async (_t, { database, query }) => {
    const old = Array.from({ length: 10_001 }, () => closedEntry({ id: ulid(NOW - 1), admittedAt: NOW }))
    const young = Array.from({ length: 50 }, () => closedEntry({ id: ulid(NOW), admittedAt: NOW }))
    await writeEntries(database, [...young, ...old].map(rowJson))
    assert.equal(await prune(database, NOW, 0, NOW), 10_001)
    assert.equal(await prune(database, NOW, 0, NOW), 0)
    const left = await query<{ id: string }>('SELECT id FROM request_logs ORDER BY id')
    assert.deepEqual(
      left.map(({ id }) => id),
      young.map(({ id }) => id).toSorted(),
    )
    assert.equal(await prune(database, NOW + 1, 0, NOW), 50)
  },
)

testEngines('what was deleted is exactly what is no longer taken', async (_t, { database, query }) => {
  const entries = [-2, -1, 0, 1].map((distance) => closedEntry({ id: ulid(NOW + distance), admittedAt: NOW }))
  await writeEntries(database, entries.map(rowJson))
  await prune(database, NOW, 0, NOW)
  assert.deepEqual(
    (await query<{ id: string }>('SELECT id FROM request_logs ORDER BY id')).map(({ id }) => id),
    entries.filter((entry) => entry.id >= oldestRetainedId(NOW)).map(({ id }) => id),
  )
})

testEngines(
  'minutes that left every window go, and what keys have used in all stays',
  async (_t, { database, query }) => {
    const minutes = [NOW - 2 * MINUTE_MS, NOW - MINUTE_MS, NOW, NOW + MINUTE_MS].map((at) => at - (at % MINUTE_MS))
    await writeEntries(
      database,
      minutes.map((admittedAt) => rowJson(closedEntry({ id: ulid(NOW), admittedAt, spend: 5 }))),
    )
    assert.equal(await prune(database, 0, minutes[2] ?? 0, NOW), 0)
    const left = await query<{ minute: number }>('SELECT minute FROM usage_windows ORDER BY minute')
    assert.deepEqual(
      left.map(({ minute }) => minute),
      minutes.slice(2),
    )
    const [key] = await query<{ tokens: number }>("SELECT lifetime_tokens AS tokens FROM api_keys WHERE id = 'key-1'")
    assert.equal(key?.tokens, 20)
  },
)

testEngines('what limits are counted in is kept for as long as it counts', async (_t, { database, query }) => {
  const windowsBefore = NOW - 5 * HOUR_MS - 2 * MINUTE_MS
  const oldest: Readonly<Record<string, number>> = {
    tokens: windowsBefore,
    usd_minute: windowsBefore,
    requests: NOW - 2 * MINUTE_MS,
    usd_hour: NOW - 32 * DAY_MS,
  }
  const table = tableOf(database, 'limit_buckets')
  for (const [unit, start] of Object.entries(oldest)) {
    for (const distance of [-1, 0, 1]) {
      await run(database, `INSERT INTO ${table} VALUES ('key-1', $1, $2, 5)`, [unit, start + distance])
    }
  }
  for (let twice = 0; twice < 2; twice++) {
    await prune(database, 0, windowsBefore, NOW)
    const left = await query<{ unit: string; start: number }>('SELECT unit, start FROM limit_buckets ORDER BY start')
    for (const [unit, start] of Object.entries(oldest)) {
      assert.deepEqual(
        left.filter((bucket) => bucket.unit === unit).map((bucket) => bucket.start - start),
        [0, 1],
        unit,
      )
    }
  }
})

testEngines('what a quota counts to stays as long as nothing later does', async (_t, { database, query }) => {
  const channel = channelInput({ name: 'one' })
  const { id } = await channelsIn(database).create(channel, NOW)
  const [old, young] = [NOW - 32 * DAY_MS - 1, NOW - 32 * DAY_MS]
  const table = tableOf(database, 'limit_buckets')
  const fill = async (subject: string, unit: string, start: number): Promise<void> => {
    await run(database, `INSERT INTO ${table} VALUES ($1, $2, $3, 5)`, [subject, unit, start])
  }
  // A period that is long over, one of which a part is young, and the last one of a channel that was removed.
  for (const unit of ['quota_requests', 'quota_credit']) {
    await fill(`channel:${id}:100`, unit, old)
    await fill(`channel:${id}:200`, unit, old)
    await fill(`channel:${id}:200`, unit, young)
    await fill('channel:0badcafe:0', unit, old)
  }
  const left = async () => {
    const rows = await query<{ subject: string; start: number }>('SELECT DISTINCT subject, start FROM limit_buckets')
    return rows.map(({ subject, start }) => `${subject} ${start === old ? 'old' : 'young'}`).toSorted()
  }
  await prune(database, 0, 0, NOW)
  assert.deepEqual(await left(), [`channel:${id}:200 old`, `channel:${id}:200 young`])
  // However old: it is the last that its channel has counted to.
  await prune(database, 0, 0, NOW + 1000 * DAY_MS)
  assert.equal((await left()).length, 2)
})

testEngines('a deletion waits for its turn, as every write does', async (_t, { database }) => {
  await writeEntries(database, [rowJson(closedEntry({ id: ulid(NOW - 1), admittedAt: NOW }))])
  const turn = Promise.withResolvers<void>()
  const commit = database.write(() => turn.promise)
  const pruned = prune({ ...database, write: (work) => (turn.resolve(), database.write(work)) }, NOW, 0, NOW)
  await commit
  assert.equal(await pruned, 1)
})

/** Spend and calls of each key, whatever the resolution. */
function sumsByKey({ query }: TestDatabase): Promise<object[]> {
  return query(
    `SELECT key_id, channel, sum(calls) AS calls, sum(failed_calls) AS failed, sum(spend_tokens) AS spend,
       sum(cost_nano_usd) AS cost FROM usage_stats GROUP BY 1, 2 ORDER BY 1, 2`,
  )
}

function entrySums({ query }: TestDatabase): Promise<object[]> {
  return query(
    `SELECT key_id, channel, count(*) AS calls, 0 AS failed, sum(spend_tokens) AS spend,
       sum(coalesce(cost_nano_usd, 0)) AS cost FROM request_logs GROUP BY 1, 2 ORDER BY 1, 2`,
  )
}

const ages = fc.array(
  fc.record({ age: fc.integer({ min: 0, max: 200 * DAY_MS }), spend: fc.nat(100), place: fc.nat(5) }),
  { maxLength: 15 },
)

testEngines(
  'statistics become hours after a day and days after a quarter, and no sum changes by it',
  async (_t, store) => {
    await fc.assert(
      fc.asyncProperty(fc.array(ages, { minLength: 1, maxLength: 3 }), fc.nat(DAY_MS), async (batches, later) => {
        await clearLedger(store)
        const now = NOW + later
        for (const batch of batches) {
          // The entries of the second and third batch come late: there may be sums of their hour or day already.
          await write(
            store,
            batch.map(({ age, spend, place }) =>
              closedEntry({
                admittedAt: now - age,
                spend,
                costNanoUsd: place === 0 ? null : spend * place,
                keyId: `key-${1 + (place % 3)}`,
                channel: `c${place % 2}`,
              }),
            ),
          )
          for (let twice = 0; twice < 2; twice++) {
            await prune(store.database, 0, 0, now)
            assert.deepEqual(await sumsByKey(store), await entrySums(store))
          }
          const rows = await store.query<{ resolution: string; start: number }>(
            'SELECT resolution, start FROM usage_stats',
          )
          const firstMinute = now - 25 * HOUR_MS - ((now - 25 * HOUR_MS) % HOUR_MS)
          const firstHour = now - 90 * DAY_MS - ((now - 90 * DAY_MS) % DAY_MS)
          for (const { resolution, start } of rows) {
            const expected = start >= firstMinute ? 'minute' : start >= firstHour ? 'hour' : 'day'
            assert.equal(resolution, expected)
            assert.equal(start % { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS }[expected], 0)
          }
        }
      }),
      rounds(15),
    )
  },
)

testEngines('of processes that prune at once, while late entries come, every sum is right', async (_t, store) => {
  const others = [store.database, await store.openAgain()]
  for (let round = 0; round < 15; round++) {
    await clearLedger(store)
    const batchOf = (): Entry[] =>
      Array.from({ length: 12 }, (_, place) =>
        closedEntry({
          id: ulid(NOW),
          admittedAt: NOW - (26 + (place % 3) * 1200) * HOUR_MS,
          keyId: `key-${1 + (place % 3)}`,
        }),
      )
    await write(store, batchOf())
    const [late, later] = [batchOf(), batchOf()]
    await Promise.all([
      ...others.map((database) => prune(database, 0, 0, NOW)),
      write(store, late).then(() => write(store, later)),
    ])
    assert.deepEqual(await sumsByKey(store), await entrySums(store))
  }
  await Promise.all([...others, ...others].map((database) => prune(database, NOW + 1, 0, NOW)))
  assert.deepEqual(await store.query('SELECT id FROM request_logs'), [])
})

test('postgres: what is being written is summed up the next time, and nobody waits for it', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const other = await store.openAgain()
  const at = (place: number): number => NOW - (26 + place) * HOUR_MS
  await write(
    store,
    [0, 1].map((place) => closedEntry({ admittedAt: at(place) })),
  )
  const found = async (table: string, order: string): Promise<object[]> =>
    (await store.query(`SELECT * FROM ${table} ORDER BY ${order}`)).map((row) => ({ ...row }))
  const stats = async (): Promise<unknown[]> =>
    (await store.query<{ resolution: string; calls: number }>('SELECT * FROM usage_stats ORDER BY start')).map(
      ({ resolution, calls }) => [resolution, calls],
    )
  await other.write(async (transaction) => {
    for (const change of [
      'usage_stats SET calls = calls + 5 WHERE start',
      'usage_windows SET tokens = 7 WHERE minute',
    ]) {
      await run(other, `UPDATE tollgate.${change} > $1`, [at(0) - MINUTE_MS], transaction)
    }
    await prune(store.database, 0, NOW, NOW)
    assert.deepEqual(await stats(), [
      ['hour', 1],
      ['minute', 1],
    ])
  })
  assert.equal((await found('usage_windows', 'minute')).length, 1)
  await prune(store.database, 0, NOW, NOW)
  assert.deepEqual(await stats(), [
    ['hour', 1],
    ['hour', 6],
  ])
  assert.deepEqual(await found('usage_windows', 'minute'), [])
})

test('postgres: who prunes and who writes late entries never wait in a circle', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const others = [store.database, await store.openAgain(), await store.openAgain()]
  const random = fc.sample(
    fc.array(fc.record({ hours: fc.nat(60), place: fc.nat(5) }), { minLength: 50, maxLength: 50, size: 'max' }),
    { numRuns: 90, seed: 1 },
  )
  const batches = random.map((calls) =>
    calls.map(({ hours, place }) =>
      closedEntry({
        id: ulid(NOW),
        admittedAt: NOW - hours * HOUR_MS,
        costNanoUsd: place,
        keyId: `key-${1 + place}`,
        channel: `c${place % 2}`,
      }),
    ),
  )
  const written = batches.map((_, at) => at)
  const writers = [...others, ...others].map(async (database) => {
    for (let at = written.pop(); at !== undefined; at = written.pop()) await write({ database }, batches[at] ?? [])
  })
  const done = Promise.all(writers).then(() => 'done' as const)
  const pruners = others.slice(1).map(async (database) => {
    while ((await Promise.race([done, Promise.resolve('going on')])) !== 'done') {
      await prune(database, 0, NOW - 6 * HOUR_MS, NOW)
    }
  })
  await Promise.all([done, ...pruners])
  assert.deepEqual(await sumsByKey(store), await entrySums(store))
})

testEngines('of what was removed is known from when on entries may still be written', async (_t, { database }) => {
  assert.equal(await readRemovedBefore(database), '')
  await prune(database, NOW, 0, NOW)
  assert.equal(await readRemovedBefore(database), '', 'nothing was removed')
  const logs = createLogStore(database)
  await logs.remove(NOW - DAY_MS)
  assert.equal(await readRemovedBefore(database), oldestRetainedId(NOW - DAY_MS))
  await writeEntries(database, [rowJson(closedEntry({ id: ulid(NOW - 1), admittedAt: NOW - 1 }))])
  await prune(database, NOW, 0, NOW)
  assert.equal(await readRemovedBefore(database), oldestRetainedId(NOW))
  await logs.remove(NOW - DAY_MS)
  assert.equal(await readRemovedBefore(database), oldestRetainedId(NOW), 'it never goes back')
})
