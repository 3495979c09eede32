import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { StoreError } from '../../../../proxy/domain/store-error.ts'
import { definitionsOf, parseKeyFile, printKeyFile } from '../../../../proxy/store/file/key-file.ts'
import { anyText } from '../../../support/any-text.ts'
import { RECORD_OF_A } from '../../../support/key-file.ts'
import { rounds } from '../../../support/rounds.ts'

const extra = fc.dictionary(fc.string(), fc.jsonValue())
const count = fc.nat()
const instant = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const withExtra = <T extends object>(known: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc.tuple(extra, known).map(([more, one]) => ({ ...more, ...one }))

const aRecord = withExtra(
  fc.record({
    key: fc.string({ minLength: 1 }),
    name: anyText(10),
    model: fc.option(fc.string()),
    token_limit_per_5h: fc.option(count),
    expiry_date: fc.option(instant),
    created_at: instant,
    last_used: fc.option(instant),
    total_lifetime_tokens: count,
    usage_windows: fc.array(withExtra(fc.record({ window_start: instant, tokens_used: count }))),
  }),
)
const aFile = fc
  .tuple(extra, fc.uniqueArray(aRecord, { selector: (record) => ('key' in record ? record.key : '') }))
  .map(([more, keys]) => ({ ...more, keys, tollgate: { ...more, applied: {} } }))

test('whatever is in a key file is still in it when it is printed', () => {
  fc.assert(
    fc.property(aFile, (file) => {
      const text = JSON.stringify(file)
      assert.deepEqual(JSON.parse(printKeyFile(parseKeyFile(text, 'f'))), JSON.parse(text))
    }),
    { ...rounds(100), ignoreEqualValues: true },
  )
})

test('a key file is printed with two spaces, in its own order, and ends with a line', () => {
  const text = '{\n  "about": "ours",\n  "keys": [\n    {\n      "name": "b",\n      "key": "k"\n    }\n  ]\n}\n'
  assert.equal(printKeyFile(parseKeyFile(text, 'f')), text)
})

test('the definitions of keys are the same whatever they have used', () => {
  const used = { ...RECORD_OF_A, last_used: '2026-02-01T00:00:00Z', total_lifetime_tokens: 7, usage_windows: [] }
  assert.equal(definitionsOf({ keys: [RECORD_OF_A] }), definitionsOf({ keys: [used] }))
  assert.notEqual(
    definitionsOf({ keys: [RECORD_OF_A] }),
    definitionsOf({ keys: [{ ...RECORD_OF_A, token_limit_per_5h: 1 }] }),
  )
})

const SECRET = 'pk_do_not_tell'
const base = { key: SECRET, name: 'alice' }
const bad: Readonly<Record<string, readonly [content: unknown, sentence: RegExp]>> = {
  'a text that is not JSON': [`{"keys":[\n{"key": "${SECRET}" oops}]}`, /f is not JSON \(see line 2\)$/],
  'an empty file': ['', /f is not JSON$/],
  'a list': [[], /it must be an object$/],
  'no keys': [{}, /keys must be a list$/],
  'a record that is none': [{ keys: [SECRET] }, /record 1 must be an object$/],
  'a record without a key': [{ keys: [base, { name: 'bob' }] }, /key of record 2 \("bob"\) must be a text$/],
  'an empty key': [{ keys: [{ key: '', name: 'bob' }] }, /key of record 1 \("bob"\) must not be empty$/],
  'a record without a name': [{ keys: [{ key: SECRET }] }, /name of record 1 must be a text$/],
  'a limit as a text': [
    { keys: [{ ...base, token_limit_per_5h: SECRET }] },
    /token_limit_per_5h of record 1 \("alice"\) must be a whole number$/,
  ],
  'a limit below 0': [{ keys: [{ ...base, token_limit_per_5h: -1 }] }, /must not be below 0$/],
  'half a token': [{ keys: [{ ...base, total_lifetime_tokens: 0.5 }] }, /must be a whole number$/],
  'an expiry that is no date': [
    { keys: [{ ...base, expiry_date: 'tomorrow' }] },
    /expiry_date of record 1 \("alice"\) must be a date such as 2030-01-31T00:00:00Z$/,
  ],
  'a window without a start': [
    { keys: [{ ...base, usage_windows: [{ tokens_used: 1 }] }] },
    /usage_windows\[0\]\.window_start of record 1 \("alice"\) must be a date$/,
  ],
  'a key that stands there twice': [
    { keys: [base, { ...base, name: 'bob' }] },
    /record 1 \("alice"\) and record 2 \("bob"\) have the same key$/,
  ],
  'a mark that is none': [
    { keys: [], tollgate: { applied: { x: { segment: '1', offset: 0 } } } },
    /tollgate\.applied\.x\.segment must be a whole number$/,
  ],
}

for (const [what, [content, sentence]] of Object.entries(bad)) {
  test(`refused in one sentence that tells no key: ${what}`, () => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    assert.throws(
      () => parseKeyFile(text, 'f'),
      (error: unknown) => {
        assert.ok(error instanceof StoreError && error.kind === 'validation')
        assert.match(error.message, /^DATA_FILE: f /)
        assert.match(error.message, sentence)
        assert.ok(!error.message.includes(SECRET), error.message)
        assert.equal(error.cause, undefined)
        return true
      },
    )
  })
}
