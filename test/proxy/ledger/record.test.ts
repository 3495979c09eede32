import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { entryOfJson, rowJson } from '../../../proxy/domain/entry-row.ts'
import { closedLine, openedLine, parseRecord } from '../../../proxy/ledger/record.ts'
import { anyEntry } from '../../support/any-entry.ts'
import { closedEntry, openedCall } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

/** As the reader hands it over: without its line feed. */
function lineOf(text: string): Buffer {
  assert.equal(text.indexOf('\n'), text.length - 1)
  return Buffer.from(text.slice(0, -1))
}

test('a closed record says everything that its entry says', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      assert.deepEqual(parseRecord(lineOf(closedLine(entry))), {
        kind: 'closed',
        id: entry.id,
        row: rowJson(entry),
      })
      assert.deepEqual(entryOfJson(rowJson(entry)), entry)
    }),
    rounds(),
  )
})

test('an opened record says everything that is known of its call', () => {
  fc.assert(
    fc.property(anyEntry, fc.nat(), fc.nat(), (entry, inputTokens, outputTokens) => {
      const { requestId, endpoint, model, stream, channel, tenantId } = entry
      const opened = openedCall({
        requestId,
        endpoint,
        model,
        stream,
        channel,
        tenantId,
        estimate: { inputTokens, outputTokens },
      })
      assert.deepEqual(parseRecord(lineOf(openedLine(opened))), { kind: 'opened', opened })
    }),
    rounds(),
  )
})

test('a record whose bytes were changed is not read', () => {
  fc.assert(
    fc.property(anyEntry, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, place, change) => {
      const bytes = lineOf(closedLine(entry))
      const at = place % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ change
      assert.equal(parseRecord(bytes), undefined)
    }),
    rounds(1000),
  )
})

test('a record that was torn at any byte is not read', () => {
  for (const whole of [closedLine(closedEntry()), openedLine(openedCall())]) {
    const line = lineOf(whole)
    for (let length = 0; length < line.length; length++) assert.equal(parseRecord(line.subarray(0, length)), undefined)
  }
})

test('an opened record does not turn into a closed one by one damaged byte', () => {
  assert.equal(parseRecord(lineOf(openedLine(openedCall()).replace(/^o/, 'c'))), undefined)
  assert.equal(parseRecord(lineOf(closedLine(closedEntry()).replace(/^c/, 'o'))), undefined)
})

test('lines of other origin are not records', () => {
  for (const text of ['', 'c', '\0'.repeat(600), '{"level":30}', 'c00000000 {}']) {
    assert.equal(parseRecord(Buffer.from(text)), undefined, JSON.stringify(text))
  }
})

test('an opened record of a program that knew no tenants is of none', () => {
  const opened = openedCall({ id: '01JGF000000000000000000000' })
  const { id, requestId, keyId, endpoint, model, stream, channel, admittedAt, estimate } = opened
  const tokens = [estimate.inputTokens, estimate.outputTokens]
  const json = JSON.stringify([id, requestId, keyId, endpoint, model, stream, channel, admittedAt, ...tokens])
  const line = `o${crc32(json, 'o'.charCodeAt(0)).toString(16).padStart(8, '0')} ${json}\n`
  assert.deepEqual(parseRecord(lineOf(line)), { kind: 'opened', opened })
})
