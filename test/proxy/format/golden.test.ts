import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Format } from '../../../proxy/format/format.ts'
import { StreamTranslator } from '../../../proxy/format/stream-translator.ts'
import { translateAnswer, translateRequest } from '../../../proxy/format/translate.ts'
import { context, formats } from './samples.ts'

/** What the providers document, in golden/<format>-…, and what becomes of it, in golden/<from>-to-<to>-…. */
const golden = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')
const goldenJson = (name: string): unknown => JSON.parse(golden(name))

const pairs = formats.flatMap((from) =>
  formats.filter((to) => to !== from).map((to): readonly [Format, Format] => [from, to]),
)

for (const [from, to] of pairs) {
  test(`the documented request of ${from} becomes one of ${to}`, () => {
    const translated = translateRequest(goldenJson(`${from}-request.json`), from, to)
    assert.deepEqual(translated, goldenJson(`${from}-to-${to}-request.json`))
  })

  test(`the documented answer of ${to} becomes one of ${from}`, () => {
    const translated = translateAnswer(goldenJson(`${to}-answer.json`), to, from, context)
    assert.deepEqual(translated, goldenJson(`${to}-to-${from}-answer.json`))
  })

  test(`the documented stream of ${to} becomes one of ${from}`, () => {
    const translator = new StreamTranslator(to, from, { ...context, wantsUsage: true })
    const text = String(translator.push(Buffer.from(golden(`${to}-stream.txt`))) ?? '')
    assert.equal(translator.end(), undefined)
    assert.equal(text, golden(`${to}-to-${from}-stream.txt`))
  })
}
