import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { entryColumns, entryFromRow, entryToRow, type EntryRow } from '../../../proxy/domain/entry-row.ts'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { type TestDatabase, testEngines } from '../../support/database.ts'
import { countersOf, interrupted, sumsOf, write } from '../../support/counters.ts'
import { anyEntry } from '../../support/any-entry.ts'
import { appliedOf, closedEntry } from '../../support/entries.ts'

async function stored({ query }: TestDatabase): Promise<Entry[]> {
  const rows = await query<Record<string, EntryRow[number]>>(
    `SELECT ${entryColumns.join(', ')} FROM request_logs ORDER BY id`,
  )
  return rows.map((row) => entryFromRow(Object.values(row)))
}

testEngines('an entry is stored as it is, whatever its names are made of', async (_t, store) => {
  const entries = fc.sample(anyEntry, { numRuns: 300, seed: 1 })
  await write(store, entries)
  assert.deepEqual(await stored(store), entries)
})

testEngines('what was new is told, and what was there before moves nothing', async (_t, store) => {
  const [one, two, three] = [closedEntry(), closedEntry({ keyId: 'key-2' }), closedEntry()]
  assert.deepEqual(await write(store, [one, two]), appliedOf([one, two]))
  assert.deepEqual(await write(store, [one, two]), [])
  assert.deepEqual(await write(store, [two, three, one]), appliedOf([three]))
  assert.deepEqual(await write(store, []), [])
  assert.deepEqual(await stored(store), [one, two, three])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

testEngines('of two ends of one call the first one counts', async (_t, store) => {
  const first = closedEntry()
  const second = { ...first, spend: 99, usage: { ...NO_USAGE, outputTokens: 99 } }
  assert.deepEqual(await write(store, [first, second]), appliedOf([first]))
  assert.equal((await write(store, [second])).length, 0)
  assert.deepEqual(await stored(store), [first])
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

testEngines(
  'the end of a call that looked interrupted corrects its entry once, by the difference',
  async (_t, store) => {
    const entry = closedEntry({ spend: 30, costNanoUsd: 40, tenantId: 'tenant-1' })
    await write(store, [interrupted(entry, 100, 200)])
    assert.deepEqual(await write(store, [entry]), appliedOf([{ ...entry, spend: -70, costNanoUsd: -160 }]))
    assert.deepEqual(await write(store, [entry, interrupted(entry, 100, 200)]), [])
    assert.deepEqual(await stored(store), [entry])
    assert.deepEqual(await countersOf(store), await sumsOf(store))
  },
)

testEngines('a call that has ended does not become interrupted', async (_t, store) => {
  const entry = closedEntry()
  await write(store, [entry])
  assert.deepEqual(await write(store, [interrupted(entry, 100)]), [])
  assert.deepEqual(await stored(store), [entry])
})

for (const order of ['before', 'after'] as const) {
  testEngines(`an interruption ${order} the end of its call in one batch is corrected by it`, async (_t, store) => {
    const entry = closedEntry({ spend: 30 })
    const both = order === 'before' ? [interrupted(entry, 5), entry] : [entry, interrupted(entry, 5)]
    const applied = await write(store, [...both, ...both])
    assert.equal(
      applied.reduce((sum, { spend }) => sum + spend, 0),
      30,
    )
    assert.deepEqual(await stored(store), [entry])
    assert.deepEqual(await countersOf(store), await sumsOf(store))
  })
}

testEngines('a batch that fails leaves nothing behind', async (_t, store) => {
  const broken = { ...closedEntry(), durationMs: Number.NaN } // NULL in JSON, and the column takes none
  await assert.rejects(write(store, [closedEntry(), broken]))
  assert.deepEqual(await stored(store), [])
  assert.deepEqual(await countersOf(store), { lifetime: [], windows: [], buckets: [], credit: {}, stats: [] })
})

testEngines('many writers at once count everything once', async (_t, store) => {
  const entries = Array.from({ length: 200 }, () => closedEntry())
  await Promise.all(Array.from({ length: 20 }, (_, writer) => write(store, entries.slice(writer * 9, writer * 9 + 40))))
  assert.equal((await stored(store)).length, 200)
  assert.deepEqual(await countersOf(store), await sumsOf(store))
})

testEngines('what an entry had said before it was corrected is kept with it', async (_t, store) => {
  const entry = closedEntry({ channel: 'b', spend: 30, costNanoUsd: 40 })
  const before = { ...interrupted(entry, 7, 8), channel: 'a' }
  const kept = async (): Promise<unknown> => {
    const [row] = await store.query<{ replaced: string | null }>('SELECT replaced FROM request_logs')
    return row?.replaced && JSON.parse(row.replaced)
  }
  await write(store, [before])
  assert.equal(await kept(), null)
  await write(store, [entry])
  assert.deepEqual(await kept(), ['a', 7, 0, 0, 0, 0, 7, 8])
  await write(store, [{ ...entry, spend: 99 }, before])
  assert.deepEqual(await kept(), ['a', 7, 0, 0, 0, 0, 7, 8])
})

testEngines('a call that was refused counts as failed, and under no model', async (_t, store) => {
  const at = Date.UTC(2030, 0, 1)
  const call = { admittedAt: at, channel: 'a', model: 'made-up' }
  await write(store, [
    closedEntry({ ...call, httpStatus: 404 }),
    closedEntry({ ...call, httpStatus: 200 }),
    closedEntry({ ...call, httpStatus: 200, status: 'failed' }),
    closedEntry({ ...call, httpStatus: 200, model: null }),
    interrupted(closedEntry(call), 5),
  ])
  const stats = await store.query(
    'SELECT resolution, start, key_id, model, calls, failed_calls FROM usage_stats ORDER BY model',
  )
  const counted = { resolution: 'minute', start: at, key_id: 'key-1' }
  assert.deepEqual(
    stats.map((row) => ({ ...row })),
    [
      { ...counted, model: '', calls: 2, failed_calls: 1 },
      { ...counted, model: 'made-up', calls: 3, failed_calls: 2 },
    ],
  )
})

testEngines('a call without a price is unpriced, and not free', async (_t, store) => {
  const at = Date.UTC(2030, 0, 1, 12, 34)
  const call = { admittedAt: at, keyId: 'key-1', channel: 'a' }
  const costs = [null, 0, 5, 7]
  await write(
    store,
    costs.map((costNanoUsd) => closedEntry({ ...call, costNanoUsd })),
  )
  assert.deepEqual(
    (await stored(store)).map(({ costNanoUsd }) => costNanoUsd),
    costs,
  )
  assert.deepEqual(
    (await store.query('SELECT * FROM limit_buckets ORDER BY unit')).map((row) => ({ ...row })),
    [
      { subject: 'key-1', unit: 'usd_hour', start: Date.UTC(2030, 0, 1, 12), amount: 12 },
      { subject: 'key-1', unit: 'usd_minute', start: at, amount: 12 },
    ],
  )
})

testEngines('an entry that an older program has spooled is written, unpriced', async (_t, store) => {
  const entry = closedEntry()
  const row = JSON.stringify(entryToRow(entry).slice(0, entryColumns.indexOf('cost_nano_usd')))
  assert.deepEqual(await writeEntries(store.database, [row]), appliedOf([entry]))
  assert.deepEqual(await stored(store), [entry])
})
