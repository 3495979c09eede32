import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { addTopLevel, replaceTopLevel } from '../../../proxy/domain/json-edit.ts'
import { rounds } from '../../support/rounds.ts'

/** Names and texts that look like structure. */
const nasty = fc.constantFrom(
  'model',
  '"model":',
  '{"model":"x"}',
  '\\',
  '\\"',
  '}',
  ']',
  ',',
  '":{',
  '\u2028',
  '😀',
  '',
)
const text = fc.oneof(nasty, fc.string({ unit: 'grapheme' }))
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4 }),
  ),
})).any
const name = fc.oneof(fc.constantFrom('model', 'stream_options', '\\', 'a"b', 'é'), text)
const space = fc.stringMatching(/^[ \n\r\t]{0,3}$/)

/** An object as text, with space wherever JSON allows it. Answers each member's range, to tell what may not change. */
function print(members: readonly (readonly [string, unknown])[], gap: string): { text: string; values: string[] } {
  const values = members.map(([, member]) => JSON.stringify(member, null, gap.replace(/[\r\n]/g, '') || undefined))
  const inner = members.map(([key], index) => `${gap}${JSON.stringify(key)}${gap}:${gap}${values[index]}${gap}`)
  return { text: `${gap}{${inner.join(',')}${members.length === 0 ? gap : ''}}${gap}`, values }
}

const object = fc.tuple(
  fc
    .uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 6 })
    .map((members) => members.filter(([key]) => key !== '__proto__')),
  space,
)

test('a replaced member has its new value, and every other byte is as it was', () => {
  fc.assert(
    fc.property(object, name, value, ([members, gap], which, next) => {
      fc.pre(which !== '__proto__')
      const { text: before } = print(members, gap)
      const after = replaceTopLevel(before, which, JSON.stringify(next))
      // As JSON tells it: -0 is printed as 0.
      const expected: unknown = JSON.parse(JSON.stringify({ ...Object.fromEntries(members), [which]: next }))
      assert.deepEqual(JSON.parse(after), expected)

      const found = members.findIndex(([key]) => key === which)
      if (found === -1) {
        const end = before.lastIndexOf('}')
        const added = `${members.length === 0 ? '' : ','}${JSON.stringify(which)}:${JSON.stringify(next)}`
        assert.equal(after, before.slice(0, end) + added + before.slice(end))
      } else {
        const marked = members.map(([key, member], index) => [key, index === found ? next : member] as const)
        const { text: whole, values } = print(members, gap)
        assert.equal(after.length - whole.length, JSON.stringify(next).length - (values[found]?.length ?? 0))
        if (!/[ \t]/.test(gap)) assert.equal(after, print(marked, gap).text)
      }
    }),
    rounds(500),
  )
})

const edits: Readonly<Record<string, readonly [before: string, after: string]>> = {
  'a string': ['{"model":"a","x":1}', '{"model":"N","x":1}'],
  'a number without a comma behind it': ['{"model":12}', '{"model":"N"}'],
  'a number before a line end': ['{"model":12\n}', '{"model":"N"\n}'],
  'a word': ['{"model":null,"b":true}', '{"model":"N","b":true}'],
  'an object': ['{"model":{"a":[1,{"}":"]"}]},"b":2}', '{"model":"N","b":2}'],
  'an empty object': ['{"model":{}}', '{"model":"N"}'],
  'an array': ['{"model":[[],["]"]] }', '{"model":"N" }'],
  'a string with escapes': [String.raw`{"model":"a\\\"","x":"\\"}`, String.raw`{"model":"N","x":"\\"}`],
  'a name that is written with escapes': [String.raw`{"mod\u0065l":"a"}`, String.raw`{"mod\u0065l":"N"}`],
  'a member that stands there twice': ['{"model":"a","x":1,"model":"b"}', '{"model":"N","x":1,"model":"N"}'],
  'nothing of the same name deeper down': ['{"x":{"model":"a"}}', '{"x":{"model":"a"},"model":"N"}'],
  'nothing in a text that looks like it': [
    String.raw`{"x":"\"model\":\"a\""}`,
    String.raw`{"x":"\"model\":\"a\"","model":"N"}`,
  ],
  'long numbers, doubled names and their order around it': [
    '{"2":12345678901234567890,"1":1.0,"1":1e2,"model":"a"}',
    '{"2":12345678901234567890,"1":1.0,"1":1e2,"model":"N"}',
  ],
  'space around everything': ['\t{ "model" :\r\n"a" , "b" : 1 }\n', '\t{ "model" :\r\n"N" , "b" : 1 }\n'],
}

for (const [what, [before, after]] of Object.entries(edits)) {
  test(`an edit replaces ${what}`, () => {
    assert.equal(replaceTopLevel(before, 'model', '"N"'), after)
  })
}

test('a member is added to an object with and without members', () => {
  assert.equal(addTopLevel('{}', 'a', '1'), '{"a":1}')
  assert.equal(addTopLevel('{ \n } ', 'a', '1'), '{ \n "a":1} ')
  assert.equal(addTopLevel('{"b":{}}', 'a', '1'), '{"b":{},"a":1}')
  assert.equal(addTopLevel('{"b":"{"}', 'a"', '1'), String.raw`{"b":"{","a\"":1}`)
})
