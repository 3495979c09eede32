import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ulid } from 'ulid'
import { rowJson } from '../../proxy/domain/entry-row.ts'
import { createRetained } from '../../proxy/retained.ts'
import { createLogStore } from '../../proxy/store/logs.ts'
import { readRemovedBefore } from '../../proxy/store/retention.ts'
import { writeEntries } from '../../proxy/store/entries.ts'
import { countersOf } from '../support/counters.ts'
import { testEngines } from '../support/database.ts'
import { closedEntry } from '../support/entries.ts'

const NOW = 1_800_000_000_000
const DAY_MS = 86_400_000

testEngines('an entry that a spool brings once more, behind a cleanup, is not counted again', async (_t, store) => {
  const { database } = store
  const refused: unknown[] = []
  const log = { error: (what: unknown) => void refused.push(what) } as never // safe: it logs nothing else
  const removedBefore = () => readRemovedBefore(database)
  const retained = createRetained({ LOG_RETENTION_DAYS: 90 }, { removedBefore }, () => NOW, log)
  const write = async (rows: readonly string[]) => writeEntries(database, await retained(rows))
  const admittedAt = NOW - 40 * DAY_MS
  const old = closedEntry({ id: ulid(admittedAt), admittedAt, spend: 5 })
  const young = closedEntry({ id: ulid(NOW - 20 * DAY_MS), admittedAt: NOW - 20 * DAY_MS, spend: 7 })
  await write([old, young].map(rowJson))
  const before = await countersOf(store)
  await createLogStore(database).remove(NOW - 30 * DAY_MS)
  await write([old, young].map(rowJson))
  assert.deepEqual(await countersOf(store), before)
  assert.deepEqual(refused, [{ id: old.id }])
})

test('entries that come in time cost no question', async () => {
  const removedBefore = () => assert.fail('nobody asks')
  const retained = createRetained({ LOG_RETENTION_DAYS: 1 }, { removedBefore }, () => NOW, { error: assert.fail })
  const rows = [rowJson(closedEntry({ id: ulid(NOW), admittedAt: NOW }))]
  assert.equal(await retained(rows), rows)
})
