import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../../proxy/telemetry/log.ts'

const SECRET = 'tg_a_key_or_a_prompt'

interface Told {
  readonly type: string
  readonly code?: string
  readonly message?: string
  readonly stack: string
  readonly cause?: Told
}

/** The line of a log, and its `err`. */
function logged(err: unknown): { readonly line: string; readonly err: Told } {
  const lines: string[] = []
  createLog('info', false, { write: (line) => lines.push(line) }).error({ err }, 'it failed')
  const [line = ''] = lines
  return { line, err: (JSON.parse(line) as { err: Told }).err } // safe: the test compares what it finds in it
}

function unreadable(): unknown {
  try {
    return JSON.parse(SECRET)
  } catch (error) {
    return error
  }
}

const named = (name: string, more: object): Error => Object.assign(new Error('Parse Error'), { name, ...more })

const shapes: readonly (readonly [what: string, error: unknown])[] = [
  [
    "Node's parser, with the request",
    named('Error', { code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from(SECRET), reason: SECRET }),
  ],
  ["undici's parser, with the answer", named('HTTPParserError', { code: 'HPE_INVALID_CONSTANT', data: SECRET })],
  [
    'Sequelize, with the statement and its values',
    named('SequelizeDatabaseError', { sql: SECRET, parameters: [SECRET] }),
  ],
  ['JSON.parse, which quotes', unreadable()],
]

for (const [what, error] of shapes) {
  test(`an error of ${what}, is logged without it`, () => {
    const wrapped = new Error('outer', { cause: error })
    for (const { line, err } of [logged(error), logged(wrapped)]) {
      for (const form of [SECRET, SECRET.slice(0, 8), JSON.stringify([...Buffer.from(SECRET)]).slice(1, -1)]) {
        assert.ok(!line.includes(form), line)
      }
      assert.match(err.stack, /^ {4}at /m)
    }
    assert.equal(logged(wrapped).err.cause?.type, (error as Error).name) // safe: all of them are errors
  })
}

test('of an error the log keeps what helps: name, code, message, where, and the same of its causes', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 1 })
  const { err } = logged(new TypeError('outer', { cause }))
  assert.deepEqual([err.type, err.message, err.code], ['TypeError', 'outer', undefined])
  assert.match(err.stack, /^TypeError: outer\n {4}at /)
  const { stack: _, ...rest } = err.cause ?? {}
  assert.deepEqual(rest, { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' })
})

test('causes that go round in a circle end', () => {
  const error = new Error('round')
  error.cause = error
  assert.ok(logged(error).line.length < 20_000)
})

test('what is no error is logged as it is', () => {
  assert.deepEqual(logged({ segment: 1, offset: 2 }).err, { segment: 1, offset: 2 })
})
