import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { dataOf, EventJoiner, eventsOf, lastEventEnd } from '../../../proxy/meter/sse.ts'
import { cutAt, cuts } from '../../support/event-streams.ts'
import { rounds } from '../../support/rounds.ts'

const split = (text: string): string[] => [...eventsOf(Buffer.from(text))].map(String)

test('a blank line ends an event, with either line end', () => {
  assert.deepEqual(split('data: a\n\ndata: b\n\n'), ['data: a\n\n', 'data: b\n\n'])
  assert.deepEqual(split('data: a\r\n\r\ndata: b\r\n\r\n'), ['data: a\r\n\r\n', 'data: b\r\n\r\n'])
  assert.deepEqual(split('event: x\ndata: a\ndata: b\n\n: comment\n\n'), [
    'event: x\ndata: a\ndata: b\n\n',
    ': comment\n\n',
  ])
  assert.deepEqual(split('data: a\n\ndata: half'), ['data: a\n\n', 'data: half'])
  assert.deepEqual(split(''), [])
})

const ends: Readonly<Record<string, number>> = {
  '': 0,
  'data: a': 0,
  'data: a\n': 0,
  'data: a\r\n': 0,
  'data: a\n\n': 9,
  'data: a\n\ndata: b\n': 9,
  'data: a\r\n\r\n': 11,
  'data: a\r\n\r\ndata: b': 11,
  'data: a\n\ndata: b\r\n\r\nc': 20,
  'data: a\r\n\r\ndata: b\n\nc': 20,
  'data: a\r\r': 0,
}

for (const [text, end] of Object.entries(ends)) {
  test(`of ${JSON.stringify(text)} ${end} bytes are whole events`, () =>
    assert.equal(lastEventEnd(Buffer.from(text)), end))
}

const data: Readonly<Record<string, string | undefined>> = {
  'data: a\n\n': 'a',
  'data:a\n\n': 'a',
  'data:  a\n\n': ' a',
  'data: a\r\n\r\n': 'a',
  'event: x\ndata: a\nid: 3\n\n': 'a',
  'data: a\ndata: b\n\n': 'a\nb',
  'data: a\r\ndata:\r\ndata: b\r\n\r\n': 'a\n\nb',
  'data: é😀\n\n': 'é😀',
  ': data: a\n\n': undefined,
  'event: ping\n\n': undefined,
  'dataset: a\n\n': undefined,
}

for (const [event, expected] of Object.entries(data)) {
  test(`the data of ${JSON.stringify(event)} is ${JSON.stringify(expected)}`, () => {
    assert.equal(dataOf(Buffer.from(event)), expected)
  })
}

test('however a stream is cut, only whole events come out, as soon as they are whole, and nothing is lost', () => {
  const piece = fc.constantFrom('data: x', 'data: é😀', ':', '\n', '\r\n', '\n\n', '\r\n\r\n', '\r', 'a')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), cuts, (pieces, where) => {
      const whole = Buffer.from(pieces.join(''))
      const joiner = new EventJoiner()
      let seen = 0
      let passed = 0
      for (const chunk of cutAt(whole, where)) {
        seen += chunk.length
        const complete = joiner.push(chunk)
        if (complete) {
          assert.equal(complete.toString('latin1'), whole.toString('latin1', passed, passed + complete.length))
          passed += complete.length
        }
        assert.equal(joiner.heldBytes, seen - passed)
        assert.equal(joiner.rest()?.toString('latin1') ?? '', whole.toString('latin1', passed, seen))
        const isBetween = passed === 0 || lastEventEnd(whole.subarray(0, passed)) === passed
        assert.ok(isBetween, 'a comment may be put here')
        // A blank line of its own, behind an event that has passed, is no event yet.
        assert.ok(lastEventEnd(whole.subarray(passed, seen)) === 0, 'what is whole has come out')
      }
    }),
    rounds(500),
  )
})
