import assert from 'node:assert/strict'
import type { AnswerContext, Format } from '../../../proxy/format/format.ts'
import { type Json, textOf } from '../../../proxy/format/json.ts'
import { StreamTranslator } from '../../../proxy/format/stream-translator.ts'
import { translateRequest } from '../../../proxy/format/translate.ts'

export const formats: readonly Format[] = ['messages', 'chat', 'responses']

/** Stands for what the upstream does not tell. */
export const context: AnswerContext = { model: undefined, id: '01K0TOLL', createdAt: 1_760_000_000 }

const user = { role: 'user', content: 'Hi' }
/** The smallest request of each format. */
export const smallest: Readonly<Record<Format, Json>> = {
  messages: { model: 'claude-opus-4-6', max_tokens: 100, messages: [user] },
  chat: { model: 'claude-opus-4-6', messages: [user] },
  responses: { model: 'claude-opus-4-6', input: 'Hi' },
}

/** One thing more in a request: what becomes of it in the other format, and what is lost. */
export interface Case {
  readonly what: string
  readonly from: Format
  readonly to: Format
  readonly asked: Json
  /** Fields of the translated body; undefined is a field that is not there. */
  readonly becomes: Json
  readonly lost?: readonly string[]
}

export function checkCase({ from, to, asked, becomes, lost = [] }: Case): void {
  const translation = translateRequest({ ...smallest[from], ...asked }, from, to)
  const found = Object.fromEntries(Object.keys(becomes).map((name) => [name, translation.body[name]]))
  assert.deepEqual(found, becomes)
  assert.deepEqual(translation.lost, lost)
}

/** An event stream as a provider writes it; chat events have no names. */
export function streamOf(format: Format, events: readonly (Json | string)[]): Buffer {
  const text = events.map((event) => {
    const data = typeof event === 'string' ? event : JSON.stringify(event)
    const name = typeof event === 'string' || format === 'chat' ? '' : `event: ${textOf(event['type']) ?? ''}\n`
    return `${name}data: ${data}\n\n`
  })
  return Buffer.from(text.join(''))
}

/** The data of the events that come out when chunks go in; JSON where it is. */
export function translated(
  from: Format,
  to: Format,
  chunks: readonly Buffer[],
  wantsUsage = true,
): { readonly events: readonly Json[]; readonly lost: readonly string[]; readonly text: string } {
  const translator = new StreamTranslator(from, to, { ...context, wantsUsage })
  const pieces = [...chunks.map((chunk) => translator.push(chunk)), translator.end()]
  for (const piece of pieces) assert.ok(piece === undefined || String(piece).endsWith('\n\n'), 'only whole events pass')
  const text = pieces.map((piece) => String(piece ?? '')).join('')
  const data = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []))
  return { events: data.map(parse), lost: translator.lost, text }
}

function parse(data: string): Json {
  return data === '[DONE]' ? { done: true } : (JSON.parse(data) as Json) // safe: every event that we write is an object
}
