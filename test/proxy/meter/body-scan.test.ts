import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NOTHING_TOLD } from '../../../proxy/domain/entry.ts'
import { BodyScan } from '../../../proxy/meter/body-scan.ts'
import { cutAt, cuts } from '../../support/event-streams.ts'
import { rounds } from '../../support/rounds.ts'

const USAGE = { prompt_tokens: 3, completion_tokens: 4 }

function scanned(chunks: readonly Buffer[]) {
  const scan = new BodyScan('chat')
  const passed = chunks.flatMap((chunk) => scan.push(chunk) ?? [])
  return { finding: scan.find(), passed: Buffer.concat(passed).length, rest: scan.rest() }
}

test('however a body is cut, its usage is known and its last chunk waits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), cuts, (content, where) => {
      const chunks = cutAt(Buffer.from(JSON.stringify({ content, usage: USAGE })), where)
      const { finding, passed, rest } = scanned(chunks)
      assert.deepEqual([finding.usage?.inputTokens, finding.usage?.outputTokens], [3, 4])
      assert.deepEqual([finding.isFinal, finding.isWhole, finding.error], [true, true, undefined])
      assert.equal(rest, chunks.at(-1))
      assert.equal(passed, Buffer.concat(chunks.slice(0, -1)).length)
    }),
    rounds(100),
  )
})

test('the usage at the end of a body that is longer than what is kept is known', () => {
  const body = Buffer.from(JSON.stringify({ b64_json: 'x'.repeat(3_000_000), usage: USAGE }))
  const chunks = Array.from({ length: 50 }, (_, index) => body.subarray(index * 65_536, (index + 1) * 65_536))
  const { finding } = scanned(chunks.filter(({ length }) => length > 0))
  assert.equal(finding.usage?.outputTokens, 4)
})

test('the usage at the beginning of a body is known while the body is short', () => {
  const body = Buffer.from(JSON.stringify({ usage: USAGE, content: 'x'.repeat(200_000) }))
  assert.equal(scanned(cutAt(body, [0.1, 0.5])).finding.usage?.outputTokens, 4)
})

test('a body without usage, and one without bytes, tell nothing', () => {
  const nothing = { usage: undefined, isFinal: false, isWhole: true, error: undefined, told: NOTHING_TOLD }
  assert.deepEqual(scanned([Buffer.from('{"data":[]}')]).finding, nothing)
  assert.deepEqual(scanned([]).finding, nothing)
  assert.equal(scanned([]).rest, undefined)
})
