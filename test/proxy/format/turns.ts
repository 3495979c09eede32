import * as fc from 'fast-check'
import type { Answer, AnswerEvent, Stop } from '../../../proxy/format/answer.ts'
import { effortOf } from '../../../proxy/format/effort.ts'
import type { AssistantPart, Message, Source, Turn } from '../../../proxy/format/turn.ts'

/** Turns and answers made of what all three formats can say, in the order that all of them keep. */

const words = fc.oneof(
  fc.constantFrom('[DONE]', 'data: x\n\n', '\r\n', '😀é漢', '"', '\\', '{}', 'null'),
  fc.string({ unit: 'grapheme', minLength: 1 }),
)
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)
const json = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3, noNullPrototype: true })
  .map((value) => JSON.stringify(value))
/** As a parser makes them: fast-check's own may have no prototype. */
const plain = <Model extends object>(model: { [Name in keyof Model]: fc.Arbitrary<Model[Name]> }) =>
  fc.record(model).map((each) => ({ ...each }))
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })

const text = words.map((each) => ({ kind: 'text' as const, text: each }))
const call = plain({ kind: fc.constant('call' as const), id, name: id, input: json.map(canonical) })
const base64 = (mediaType: string): fc.Arbitrary<Source> =>
  fc.base64String().map((data) => ({ kind: 'base64', mediaType, data }))
const image = plain({
  kind: fc.constant('image' as const),
  source: fc.oneof(base64('image/png'), fc.constant({ kind: 'url' as const, url: 'https://example.com/a.png?b=c' })),
  detail: fc.constant(undefined),
})
const document = plain({ kind: fc.constant('document' as const), source: base64('application/pdf'), name: words })
const result = plain({
  kind: fc.constant('result' as const),
  callId: id,
  parts: fc.array(text, { minLength: 1, maxLength: 2 }),
})

const some = <Value>(value: fc.Arbitrary<Value>, minLength = 0) => fc.array(value, { minLength, maxLength: 3 })
const system: fc.Arbitrary<Message> = some(text, 1).map((parts) => ({ role: 'system', parts }))
const user = fc
  .tuple(some(result), some(fc.oneof(text, image, document), 1))
  .map(([results, media]): Message => ({ role: 'user', parts: [...results, ...media] }))
const assistant = fc
  .tuple(some(text, 1), some(call))
  .map(([texts, calls]): Message => ({ role: 'assistant', parts: [...texts, ...calls] }))

const conversation = fc
  .tuple(maybe(system), some(fc.tuple(user, assistant)), user)
  .map(([first, pairs, last]) => [...(first ? [first] : []), ...pairs.flat(), last])

const tool = plain({
  name: id,
  description: maybe(words),
  // As a parser makes it: -0 is none of JSON's numbers.
  parameters: json.map((more) => ({ ...(JSON.parse(more) as object), type: 'object' })), // safe: made of an object
  isStrict: fc.constant(true),
})
const noTools = { tools: [], toolChoice: undefined, isParallel: undefined }
const toolbox: fc.Arbitrary<Pick<Turn, 'tools' | 'toolChoice' | 'isParallel'>> = fc.oneof(
  fc.constant(noTools),
  plain({
    tools: some(tool, 1),
    toolChoice: fc.oneof(
      plain({ kind: fc.constantFrom('auto' as const, 'required' as const) }),
      id.map((name) => ({ kind: 'tool' as const, name })),
    ),
    isParallel: fc.constantFrom(undefined, false),
  }),
  some(tool, 1).map((tools) => ({ tools, toolChoice: { kind: 'none' as const }, isParallel: undefined })),
)

/** Anthropic takes one of these at a time. */
const manner: fc.Arbitrary<Pick<Turn, 'temperature' | 'topP' | 'reasoning'>> = fc
  .oneof(
    plain({ temperature: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs) }),
    plain({ topP: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs) }),
    plain({
      reasoning: fc.constantFrom('none', 'low', 'medium', 'high', 'xhigh', 'max').map((word) => ({
        effort: effortOf(word),
        budgetTokens: undefined,
        isSummarized: false,
      })),
    }),
    fc.constant({}),
  )
  .map((one) => ({ temperature: undefined, topP: undefined, reasoning: undefined, ...one }))

export const turns: fc.Arbitrary<Turn> = fc
  .tuple(conversation, toolbox, manner, fc.integer({ min: 16, max: 1_000_000 }), maybe(id), fc.boolean())
  .map(([messages, tools, how, maxTokens, userId, isStream]) => ({
    model: 'claude-opus-4-6',
    messages,
    ...tools,
    maxTokens,
    ...how,
    stop: [],
    verbosity: undefined,
    outputFormat: undefined,
    userId,
    serviceTier: isStream ? 'auto' : 'default',
    isStream,
    shared: {},
  }))

const tokens = fc.nat(100_000)
const usage = plain({
  inputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  outputTokens: tokens,
  reasoningTokens: tokens,
}).map((each) => ({ ...each, reasoningTokens: Math.min(each.reasoningTokens, each.outputTokens) }))

const thinking = words.map((each): AssistantPart => ({ kind: 'thinking', text: each, seal: undefined }))
const parts = fc
  .tuple(maybe(thinking), maybe(text), some(call))
  .map(([...all]) => all.flat().filter((each) => each !== undefined))

export const answers: fc.Arbitrary<Answer> = plain({
  id,
  model: words,
  createdAt: fc.constant(undefined),
  parts,
  usage,
  serviceTier: fc.constantFrom('default', 'priority'),
  reason: fc.constantFrom('end' as const, 'length' as const, 'refusal' as const),
}).map(({ reason, ...answer }) => {
  const hasCalls = answer.parts.some(({ kind }) => kind === 'call')
  const stop: Stop = { reason: reason === 'end' && hasCalls ? 'tools' : reason, sequence: undefined }
  return { ...answer, stop }
})

/** The stream that tells an answer, each text in two pieces. */
export function eventsOf({ parts: all, stop, ...heading }: Answer): readonly AnswerEvent[] {
  return [
    { kind: 'start', ...heading, usage: undefined },
    ...all.flatMap((part): readonly AnswerEvent[] => {
      const whole = part.kind === 'call' ? part.input : part.text
      const middle = Math.floor(whole.length / 2)
      const pieces = [whole.slice(0, middle), whole.slice(middle)].filter((piece) => piece !== '')
      return [
        { kind: 'open', part: part.kind === 'call' ? { ...part, input: '' } : { ...part, text: '' } },
        ...pieces.map((piece): AnswerEvent => ({ kind: 'grow', text: piece })),
        { kind: 'close' },
      ]
    }),
    { kind: 'end', stop, usage: heading.usage },
  ]
}

/** Members in the order in which a parser puts them. */
function canonical(written: string): string {
  return JSON.stringify(JSON.parse(written))
}
