import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ulid } from 'ulid'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { isRetained, prune } from '../../../proxy/store/retention.ts'
import { openDatabase } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'

const NOW = 1_800_000_000_000
const MINUTE_MS = 60_000

test('entries that are older than their retention go, in as many chunks as it takes, and no others', async (t) => {
  const { database, query } = await openDatabase(t)
  const old = Array.from({ length: 10_001 }, () => closedEntry({ id: ulid(NOW - 1), admittedAt: NOW }))
  const young = Array.from({ length: 50 }, () => closedEntry({ id: ulid(NOW), admittedAt: NOW }))
  await writeEntries(database, [...young, ...old])
  assert.equal(await prune(database, NOW, 0), 10_001)
  assert.equal(await prune(database, NOW, 0), 0)
  const left = await query<{ id: string }>('SELECT id FROM request_logs ORDER BY id')
  assert.deepEqual(
    left.map(({ id }) => id),
    young.map(({ id }) => id).toSorted(),
  )
  assert.equal(await prune(database, NOW + 1, 0), 50)
})

test('what was deleted is exactly what is no longer taken', async (t) => {
  const { database, query } = await openDatabase(t)
  const entries = [-2, -1, 0, 1].map((distance) => closedEntry({ id: ulid(NOW + distance), admittedAt: NOW }))
  await writeEntries(database, entries)
  await prune(database, NOW, 0)
  assert.deepEqual(
    (await query<{ id: string }>('SELECT id FROM request_logs ORDER BY id')).map(({ id }) => id),
    entries.filter((entry) => isRetained(entry, NOW)).map(({ id }) => id),
  )
})

test('minutes that left every window go, and what keys have used in all stays', async (t) => {
  const { database, query } = await openDatabase(t)
  const minutes = [NOW - 2 * MINUTE_MS, NOW - MINUTE_MS, NOW, NOW + MINUTE_MS].map((at) => at - (at % MINUTE_MS))
  await writeEntries(
    database,
    minutes.map((admittedAt) => closedEntry({ id: ulid(NOW), admittedAt, spend: 5 })),
  )
  assert.equal(await prune(database, 0, minutes[2] ?? 0), 0)
  const left = await query<{ minute: number }>('SELECT minute FROM usage_windows ORDER BY minute')
  assert.deepEqual(
    left.map(({ minute }) => minute),
    minutes.slice(2),
  )
  const [key] = await query<{ tokens: number }>("SELECT lifetime_tokens AS tokens FROM api_keys WHERE id = 'key-1'")
  assert.equal(key?.tokens, 20)
})

test('a deletion waits for its turn, as every write does', async (t) => {
  const { database } = await openDatabase(t)
  await writeEntries(database, [closedEntry({ id: ulid(NOW - 1), admittedAt: NOW })])
  const turn = Promise.withResolvers<void>()
  const commit = database.write(() => turn.promise)
  const pruned = prune({ ...database, write: (work) => (turn.resolve(), database.write(work)) }, NOW, 0)
  await commit
  assert.equal(await pruned, 1)
})
