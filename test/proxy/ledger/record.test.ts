import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { closedLine, openedLine, parseLine } from '../../../proxy/ledger/record.ts'
import { anyEntry, closedEntry, openedCall } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

/** As the reader hands it over: without its line feed. */
function lineOf(text: string): string {
  assert.equal(text.indexOf('\n'), text.length - 1)
  return text.slice(0, -1)
}

test('a closed record says everything that its entry says', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      assert.deepEqual(parseLine(lineOf(closedLine(entry))), { kind: 'closed', entry })
    }),
    rounds(),
  )
})

test('an opened record says everything that is known of its call', () => {
  fc.assert(
    fc.property(anyEntry, fc.nat(), fc.nat(), (entry, inputTokens, outputTokens) => {
      const { requestId, endpoint, model, stream, channel } = entry
      const opened = openedCall({
        requestId,
        endpoint,
        model,
        stream,
        channel,
        estimate: { inputTokens, outputTokens },
      })
      assert.deepEqual(parseLine(lineOf(openedLine(opened))), { kind: 'opened', opened })
    }),
    rounds(),
  )
})

test('a record whose bytes were changed is not read', () => {
  fc.assert(
    fc.property(anyEntry, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, place, change) => {
      const bytes = Buffer.from(lineOf(closedLine(entry)))
      const at = place % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ change
      assert.equal(parseLine(bytes.toString()), undefined)
    }),
    rounds(1000),
  )
})

test('a record that was torn at any byte is not read', () => {
  for (const whole of [closedLine(closedEntry()), openedLine(openedCall())]) {
    const line = lineOf(whole)
    for (let length = 0; length < line.length; length++) assert.equal(parseLine(line.slice(0, length)), undefined)
  }
})

test('an opened record does not turn into a closed one by one damaged byte', () => {
  assert.equal(parseLine(lineOf(openedLine(openedCall())).replace(/^o/, 'c')), undefined)
  assert.equal(parseLine(lineOf(closedLine(closedEntry())).replace(/^c/, 'o')), undefined)
})

test('lines of other origin are not records', () => {
  for (const text of ['', 'c', '\0'.repeat(600), '{"level":30}', 'c00000000 {}']) {
    assert.equal(parseLine(text), undefined, JSON.stringify(text))
  }
})
