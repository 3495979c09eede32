import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { entryColumns, entryFromRow, entryToRow } from '../../../proxy/domain/entry-row.ts'
import { rounds } from '../../support/rounds.ts'

const count = fc.nat(Number.MAX_SAFE_INTEGER)
const usage = fc.record(
  { inputTokens: count, cacheReadTokens: count, cacheWriteTokens: count, outputTokens: count, reasoningTokens: count },
  { noNullPrototype: true },
)
const entries: fc.Arbitrary<Entry> = fc.record(
  {
    id: fc.string(),
    requestId: fc.string(),
    keyId: fc.string(),
    endpoint: fc.string(),
    model: fc.option(fc.string()),
    stream: fc.boolean(),
    channel: fc.string(),
    admittedAt: count,
    status: fc.constantFrom('completed', 'failed', 'client_gone', 'interrupted'),
    httpStatus: count,
    error: fc.option(fc.string()),
    metering: fc.constantFrom('exact', 'estimated', 'unmetered'),
    usage,
    firstByteMs: fc.option(count),
    durationMs: count,
    spend: count,
    costNanoUsd: fc.option(count),
  },
  { noNullPrototype: true },
)

test('an entry that was written as a row and read again is the same entry', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const row: unknown = JSON.parse(JSON.stringify(entryToRow(entry)))
      assert.deepEqual(entryFromRow(row as ReturnType<typeof entryToRow>), entry) // safe: it was one a line before
    }),
    rounds(),
  )
})

test('every value of a row stands where its column says', () => {
  const [entry] = fc.sample(entries, { numRuns: 1, seed: 1 })
  assert.ok(entry)
  const row = entryToRow({
    ...entry,
    id: 'I',
    costNanoUsd: 10,
    spend: 7,
    admittedAt: 8,
    durationMs: 9,
    stream: true,
    httpStatus: 201,
  })
  assert.equal(row.length, entryColumns.length)
  const value = (column: (typeof entryColumns)[number]): unknown => row[entryColumns.indexOf(column)]
  assert.deepEqual(
    [
      value('id'),
      value('spend_tokens'),
      value('admitted_at'),
      value('duration_ms'),
      value('stream'),
      value('http_status'),
      value('cost_nano_usd'),
    ],
    ['I', 7, 8, 9, 1, 201, 10],
  )
})

test('a row that is shorter, of a program that knew fewer columns, is filled in', () => {
  const [entry] = fc.sample(entries, { numRuns: 1, seed: 1 })
  assert.ok(entry)
  const row = entryToRow(entry).slice(0, entryColumns.indexOf('output_tokens'))
  const known = { ...entry.usage, outputTokens: 0, reasoningTokens: 0 }
  assert.deepEqual(entryFromRow(row), {
    ...entry,
    usage: known,
    spend: 0,
    admittedAt: 0,
    firstByteMs: null,
    durationMs: 0,
    costNanoUsd: null,
  })
})
