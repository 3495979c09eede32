import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NO_CIRCUMSTANCES, NOTHING_TOLD } from '../../../proxy/domain/entry.ts'
import { entryColumns, entryFromRow, entryToRow } from '../../../proxy/domain/entry-row.ts'
import { anyEntry } from '../../support/any-entry.ts'
import { rounds } from '../../support/rounds.ts'

test('an entry that was written as a row and read again is the same entry', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const row: unknown = JSON.parse(JSON.stringify(entryToRow(entry)))
      assert.deepEqual(entryFromRow(row as ReturnType<typeof entryToRow>), entry) // safe: it was one a line before
    }),
    rounds(),
  )
})

test('every value of a row stands where its column says', () => {
  const [entry] = fc.sample(anyEntry, { numRuns: 1, seed: 1 })
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
    attempts: [],
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
      value('attempts'),
    ],
    ['I', 7, 8, 9, 1, 201, 10, null],
  )
})

test('a row that is shorter, of a program that knew fewer columns, is filled in', () => {
  const [entry] = fc.sample(anyEntry, { numRuns: 1, seed: 1 })
  assert.ok(entry)
  const row = entryToRow(entry).slice(0, entryColumns.indexOf('output_tokens'))
  const { inputTokens, cacheReadTokens, cacheWriteTokens } = entry.usage
  const known = { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens: 0, reasoningTokens: 0 }
  assert.deepEqual(entryFromRow(row), {
    ...entry,
    usage: known,
    spend: 0,
    admittedAt: 0,
    firstByteMs: null,
    durationMs: 0,
    costNanoUsd: null,
    attempts: [],
    ...NO_CIRCUMSTANCES,
    told: NOTHING_TOLD,
    quota: null,
    tenantId: null,
  })
})
