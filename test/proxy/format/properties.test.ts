import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AnswerCollector } from '../../../proxy/format/answer.ts'
import { codecs } from '../../../proxy/format/codec.ts'
import { type Format, FormatError } from '../../../proxy/format/format.ts'
import { SseSplitter } from '../../../proxy/format/sse.ts'
import { StreamTranslator } from '../../../proxy/format/stream-translator.ts'
import { translateAnswer, translateError, translateRequest } from '../../../proxy/format/translate.ts'
import { joinNeighbours, type Turn } from '../../../proxy/format/turn.ts'
import { rounds } from '../../support/rounds.ts'
import { context, formats, streamOf } from './samples.ts'
import { answers, eventsOf, turns } from './turns.ts'

const nothing = (name: string): void => assert.fail(`${name} was lost`)
const other = (format: Format): Format => (format === 'chat' ? 'messages' : 'chat')

/** Formats differ in how many messages one side may send in a row, and only Responses stores by default. */
const normal = (turn: Turn): Turn => ({
  ...turn,
  messages: joinNeighbours(turn.messages, ['user', 'assistant']),
  shared: {},
})

for (const format of formats) {
  const codec = codecs[format]

  test(`what all formats can say is the same after it was written to ${format} and read back`, () => {
    fc.assert(
      fc.property(turns, (turn) => {
        const written: unknown = JSON.parse(JSON.stringify(codec.writeRequest(turn, nothing)))
        assert.deepEqual(normal(codec.readRequest(written, nothing)), turn)
      }),
      rounds(150),
    )
  })

  test(`an answer is the same after it was written to ${format}, whole or as a stream, and read back`, () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const written = JSON.parse(JSON.stringify(codec.writeAnswer(answer, context, nothing)))
        const { id: wholeId, createdAt: _, ...whole } = codec.readAnswer(written, nothing)
        const { id, createdAt: __, ...expected } = answer
        assert.ok(id !== undefined && wholeId?.endsWith(id.replace(/^(?:msg|chatcmpl|cmpl|resp|gen)[-_]/, '')))
        assert.deepEqual(whole, expected)

        const write = codec.createWriter({ ...context, wantsUsage: true }, nothing)
        const reader = codec.createReader(nothing)
        const collector = new AnswerCollector()
        for (const data of new SseSplitter().push(Buffer.from(eventsOf(answer).map(write).join('')))) {
          for (const event of reader.read(data)) collector.add(event)
        }
        const { id: streamedId, createdAt: ___, ...streamed } = collector.answer
        assert.equal(streamedId, wholeId)
        assert.deepEqual(streamed, expected)
      }),
      rounds(150),
    )
  })
}

/** Puts any JSON somewhere into a document. */
function mutated(document: unknown, path: readonly number[], value: unknown): unknown {
  if (typeof document !== 'object' || document === null || path.length === 0) return value
  const [step = 0, ...rest] = path
  const keys = Object.keys(document)
  const key = keys[step % Math.max(1, keys.length)]
  const entries = Object.entries(document).map(([name, each]) => [
    name,
    name === key ? mutated(each, rest, value) : each,
  ])
  return Array.isArray(document) ? entries.map(([, each]) => each) : Object.fromEntries(entries)
}

const golden = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')
const path = fc.array(fc.nat(9), { maxLength: 7 })
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', null, [], {}, [null], [{}], { type: 'text' }, 'data:', 'data:;base64,', -1),
)

/** Runs what may refuse, and checks how it does. */
function orRefuses(translate: () => { readonly lost: readonly string[] }): void {
  try {
    const { lost } = translate()
    assert.ok(lost.length <= 32 && lost.every((name) => /^[\x21-\x7e]{1,64}$/.test(name)), lost.join())
  } catch (error) {
    assert.ok(error instanceof FormatError, error instanceof Error ? error.stack : 'no error')
    assert.match(error.message, /^[\x20-\x7e]{1,300}$/)
  }
}

for (const format of formats) {
  test(`whatever stands in a request of ${format}, it is translated or refused`, () => {
    const sample: unknown = JSON.parse(golden(`${format}-request.json`))
    fc.assert(
      fc.property(path, anything, (where, value) => {
        for (const to of formats) orRefuses(() => translateRequest(mutated(sample, where, value), format, to))
      }),
      rounds(400),
    )
  })

  test(`whatever stands in an answer of ${format}, it is translated or refused`, () => {
    const sample: unknown = JSON.parse(golden(`${format}-answer.json`))
    fc.assert(
      fc.property(path, anything, (where, value) => {
        for (const to of formats) {
          try {
            translateAnswer(mutated(sample, where, value), format, to, context)
          } catch (error) {
            assert.ok(error instanceof FormatError, error instanceof Error ? error.stack : 'no error')
          }
        }
      }),
      rounds(400),
    )
  })

  test(`whatever stands in a stream of ${format}, what comes out is whole events`, () => {
    const splitter = new SseSplitter()
    const sample = [...splitter.push(Buffer.from(golden(`${format}-stream.txt`)))].map((data) =>
      data === '[DONE]' ? data : JSON.parse(data),
    )
    fc.assert(
      fc.property(fc.nat(), path, anything, (index, where, value) => {
        const at = index % sample.length
        const sent = sample.map((event, each) => (each === at ? mutated(event, where, value) : event))
        const chunk = streamOf(
          format,
          sent.map((event) => (typeof event === 'object' && event ? event : JSON.stringify(event))),
        )
        const translator = new StreamTranslator(format, other(format), { ...context, wantsUsage: true })
        const text = String(translator.push(chunk) ?? '') + String(translator.end() ?? '')
        assert.ok(text === '' || text.endsWith('\n\n'))
      }),
      rounds(400),
    )
  })

  test(`whatever an upstream of another format sends instead of an error, ${format} has an error`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), fc.oneof(fc.json(), fc.string()), (status, text) => {
        assert.equal(typeof (translateError(status, text, format)['error'] as { message: unknown }).message, 'string')
      }),
      rounds(),
    )
  })
}

test('bytes that are no events at all are passed over or are an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...formats), (bytes, from) => {
      const translator = new StreamTranslator(from, other(from), { ...context, wantsUsage: true })
      const text = String(translator.push(Buffer.from(bytes)) ?? '') + String(translator.end() ?? '')
      assert.ok(text === '' || text.includes('error'))
    }),
    rounds(),
  )
})
