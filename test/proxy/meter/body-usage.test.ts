import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { endFromUsage } from '../../../proxy/meter/body-usage.ts'
import { rounds } from '../../support/rounds.ts'

const read = (text: string, isWhole = true): unknown => endFromUsage(Buffer.from(text), isWhole)?.['usage']

const bodies: Readonly<Record<string, readonly [text: string, usage: unknown]>> = {
  'at the end': ['{"id":1,"usage":{"a":1}}', { a: 1 }],
  'at the beginning': ['{"usage":{"a":1},"id":1}', { a: 1 }],
  'in the middle, with space': ['{ "id" : 1 ,\n "usage" :\t{ "a" : 1 } , "x" : [ ] }\n', { a: 1 }],
  'before another one in the input of a tool': [
    '{"usage":{"a":1},"content":[{"type":"tool_use","input":{"usage":{"a":9}}}]}',
    { a: 1 },
  ],
  'behind another one in the input of a tool': ['{"content":[{"input":{"usage":{"a":9}}}],"usage":{"a":1}}', { a: 1 }],
  'beside a text that has one': [String.raw`{"usage":{"a":1},"text":"{\"usage\":{\"a\":9}}"}`, { a: 1 }],
  'beside a text with doubled escapes': [String.raw`{"usage":{"a":1},"text":"\\\"usage\\\":{\\\"a\\\":9}}"}`, { a: 1 }],
  'beside a name that ends like it': [String.raw`{"usage":{"a":1},"x\"usage":{"a":9}}`, { a: 1 }],
  'beside a name that ends like it behind a backslash': [String.raw`{"usage":{"a":1},"\\\"usage":{"a":9}}`, { a: 1 }],
  'beside a text that is only its name': ['{"usage":{"a":1},"text":"usage"}', { a: 1 }],
  'twice, the last of which counts': ['{"usage":{"a":9},"usage":{"a":1}}', { a: 1 }],
  'with a name that is written with escapes': [String.raw`{"us\u0061ge":{"a":1}}`, { a: 1 }],
  'as null': ['{"usage":null}', null],
  nowhere: ['{"id":1}', undefined],
  'only deeper down': ['{"response":{"usage":{"a":9}}}', undefined],
  'only in a list': ['[{"usage":{"a":9}}]', undefined],
  'in what is no object': ['"usage"', undefined],
  'in a number': ['7', undefined],
  'in null': ['null', undefined],
  'in nothing': ['', undefined],
  'in two objects, one behind the other': ['{"usage":{"a":9}}\n{"id":1}', undefined],
  'in a text that is no JSON': ['<html>"usage"</html>', undefined],
}

for (const [where, [text, usage]] of Object.entries(bodies)) {
  test(`the usage of a body is found ${where}`, () => assert.deepEqual(read(text), usage))
}

test('it is found in the tail of a body whose beginning is gone', () => {
  assert.deepEqual(read('ng text"}],"usage":{"a":1}}', false), { a: 1 })
  assert.deepEqual(read('":{"x":{"usage":{"a":9}}},"usage":{"a":1},"y":[{}]}', false), { a: 1 })
  assert.deepEqual(read(String.raw`age\":{\"a\":9}}"}],"usage":{"a":1}}`, false), { a: 1 })
})

test('it is not made up from a tail that has none', () => {
  assert.equal(read('{"id":1}', false), undefined)
  assert.equal(read('9}}}', false), undefined)
  assert.equal(read('"input":{"usage":{"a":9}}}]}', false), undefined)
})

const text = fc.oneof(
  fc.constantFrom('usage', '"usage', '"usage":{', '\\"usage\\":', '{"usage":{"a":1}}', '}', '\\', '😀'),
  fc.string({ unit: 'grapheme' }),
)
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.nat(),
    fc.constant(null),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof({ weight: 1, arbitrary: fc.constant('usage') }, { weight: 2, arbitrary: text }),
      tie('value'),
      {
        maxKeys: 4,
      },
    ),
  ),
})).value
const members = fc.dictionary(text, json, { maxKeys: 5 })

test('for any object it is what parsing the whole would tell', () => {
  fc.assert(
    fc.property(members, json, members, fc.constantFrom('', ' ', '\t\n'), (before, usage, after, gap) => {
      const whole = JSON.stringify({ ...before, usage, ...after }, null, gap)
      assert.deepEqual(read(whole), (JSON.parse(whole) as { usage: unknown }).usage) // safe: an object
    }),
    rounds(500),
  )
})

test('for any object without usage it is what parsing the whole would tell: nothing', () => {
  fc.assert(
    fc.property(json, (value) => {
      const whole = JSON.stringify({ nested: value })
      assert.equal(read(whole), undefined)
    }),
    rounds(300),
  )
})

test('for the tail of any object that still has its usage it is the same', () => {
  fc.assert(
    fc.property(members, json, members, fc.double({ min: 0, max: 1, noNaN: true }), (before, usage, after, part) => {
      const { usage: _, ...rest } = after
      const { usage: __, ...first } = before
      const head = JSON.stringify(first).slice(0, -1)
      const tail = `"usage":${JSON.stringify(usage)},"z":${JSON.stringify(rest)}}`
      const cut = head.slice(Math.floor(part * head.length))
      const separator = head === '{' ? '' : ','
      assert.deepEqual(read(cut + separator + tail, false), JSON.parse(JSON.stringify(usage)))
    }),
    rounds(300),
  )
})
