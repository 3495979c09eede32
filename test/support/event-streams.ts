import * as fc from 'fast-check'
import type { Usage } from '../../proxy/domain/usage.ts'

/** The protocols whose answers are streams with usage. */
export type StreamProtocol = 'messages' | 'chat' | 'completions' | 'responses'
export const streamProtocols = ['messages', 'chat', 'completions', 'responses'] as const

/** How a server writes an event: what the standard leaves open. */
export interface Manner {
  readonly lineEnd: '\n' | '\r\n'
  /** Behind `data:`. */
  readonly space: '' | ' '
  /** Spreads the data over several `data:` lines. */
  readonly isSpread: boolean
  /** Stands alone before each event; empty is none. */
  readonly comment: string
}

export const COMPACT: Manner = { lineEnd: '\n', space: ' ', isSpread: false, comment: '' }

export interface EventStream {
  readonly events: readonly Buffer[]
  /** Which of the events tells the final usage, and which one is the end. */
  readonly usageIndex: number
  readonly endIndex: number
  readonly usage: Usage
}

interface Content {
  readonly texts: readonly string[]
  readonly usage: Usage
}

function event(name: string | undefined, data: object | string, { lineEnd, space, isSpread }: Manner): Buffer {
  const text = typeof data === 'string' ? data : isSpread ? JSON.stringify(data, null, 1) : JSON.stringify(data)
  const lines = [
    ...(name === undefined ? [] : [`event: ${name}`]),
    ...text.split('\n').map((line) => `data:${space}${line}`),
    '',
    '',
  ]
  return Buffer.from(lines.join(lineEnd))
}

/** Anthropic's. Its `input_tokens` excludes what was read from and written to a cache. */
function messages({ texts, usage }: Content, manner: Manner): EventStream {
  const start = {
    input_tokens: usage.inputTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    output_tokens: 1,
  }
  const data = [
    { type: 'message_start', message: { id: 'msg_1', content: [], usage: start } },
    { type: 'ping' },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...texts.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: usage.outputTokens } },
    { type: 'message_stop' },
  ]
  return {
    events: data.map((each) => event(each.type, each, manner)),
    usageIndex: data.length - 2,
    endIndex: data.length - 1,
    usage: { ...usage, reasoningTokens: 0 },
  }
}

/** OpenAI's `prompt_tokens` includes what was read from a cache; of writes it says nothing. */
function openaiUsage(usage: Usage, input: string, output: string): object {
  return {
    [`${input}_tokens`]: usage.inputTokens + usage.cacheReadTokens,
    [`${output}_tokens`]: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.cacheReadTokens + usage.outputTokens,
    [`${input}_tokens_details`]: { cached_tokens: usage.cacheReadTokens },
    [`${output}_tokens_details`]: { reasoning_tokens: usage.reasoningTokens },
  }
}

/** With `includesUsage` as if the caller had asked for usage: a null in every chunk, and a chunk of its own at the end. */
function chunks(
  choice: (text: string) => object,
  { texts, usage }: Content,
  manner: Manner,
  includesUsage: boolean,
): EventStream {
  const told = includesUsage ? { usage: null } : {}
  const data = [
    ...texts.map((text) => ({ id: 'c1', choices: [choice(text)], ...told })),
    { id: 'c1', choices: [{ index: 0, finish_reason: 'stop' }], ...told },
    ...(includesUsage ? [{ id: 'c1', choices: [], usage: openaiUsage(usage, 'prompt', 'completion') }] : []),
  ]
  return {
    events: [...data.map((each) => event(undefined, each, manner)), event(undefined, '[DONE]', manner)],
    usageIndex: data.length - 1,
    endIndex: data.length,
    usage: { ...usage, cacheWriteTokens: 0 },
  }
}

function responses({ texts, usage }: Content, manner: Manner): EventStream {
  const data = [
    { type: 'response.created', response: { id: 'resp_1', error: null, usage: null } },
    ...texts.map((delta) => ({ type: 'response.output_text.delta', delta })),
    { type: 'response.output_text.done', text: texts.join('') },
    {
      type: 'response.completed',
      response: { id: 'resp_1', error: null, usage: openaiUsage(usage, 'input', 'output') },
    },
  ]
  return {
    events: data.map((each) => event(each.type, each, manner)),
    usageIndex: data.length - 1,
    endIndex: data.length - 1,
    usage: { ...usage, cacheWriteTokens: 0 },
  }
}

/** A stream as the provider of a protocol sends it. */
export function streamOf(
  protocol: StreamProtocol,
  content: Content,
  manner = COMPACT,
  includesUsage = true,
): EventStream {
  const stream = withoutComments(protocol, content, manner, includesUsage)
  if (manner.comment === '') return stream
  const comment = Buffer.from(`:${manner.comment}${manner.lineEnd}${manner.lineEnd}`)
  return {
    ...stream,
    events: stream.events.flatMap((each) => [comment, each]),
    usageIndex: 2 * stream.usageIndex + 1,
    endIndex: 2 * stream.endIndex + 1,
  }
}

function withoutComments(
  protocol: StreamProtocol,
  content: Content,
  manner: Manner,
  includesUsage: boolean,
): EventStream {
  switch (protocol) {
    case 'messages':
      return messages(content, manner)
    case 'chat':
      return chunks((text) => ({ index: 0, delta: { content: text } }), content, manner, includesUsage)
    case 'completions':
      return chunks((text) => ({ index: 0, text }), content, manner, includesUsage)
    case 'responses':
      return responses(content, manner)
  }
}

/** What a model may write that looks like the protocol around it. */
const pretence = fc.constantFrom(
  '[DONE]',
  'data: [DONE]\n\n',
  '"usage":{"output_tokens":9}',
  ',"usage":null',
  'usage',
  'error',
  '"error":{"type":"x"}',
  'message_stop',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  'response.completed',
  '\r\n\r\n',
  '\n\n',
  '\\"',
  '\\',
  '😀é漢',
)
const tokens = fc.nat(100_000)

export const contents: fc.Arbitrary<Content> = fc.record({
  texts: fc.array(fc.oneof(pretence, fc.string({ unit: 'grapheme' })), { maxLength: 8 }),
  usage: fc
    .record({
      inputTokens: tokens,
      cacheReadTokens: tokens,
      cacheWriteTokens: tokens,
      outputTokens: tokens,
      reasoningTokens: tokens,
    })
    .map((usage) => ({ ...usage, reasoningTokens: Math.min(usage.reasoningTokens, usage.outputTokens) })),
})

export const manners: fc.Arbitrary<Manner> = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n'),
  space: fc.constantFrom('', ' '),
  isSpread: fc.boolean(),
  comment: fc.constantFrom('', ' ping', 'data: [DONE]', '"usage":{'),
})

/** Where a stream is cut into chunks: anywhere, or after every byte. */
export const cuts: fc.Arbitrary<readonly number[] | 'every byte'> = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constant('every byte' as const) },
)

export function cutAt(bytes: Buffer, where: readonly number[] | 'every byte'): Buffer[] {
  const positions =
    where === 'every byte'
      ? Array.from({ length: bytes.length + 1 }, (_, position) => position)
      : [0, ...where.map((part) => Math.floor(part * bytes.length)), bytes.length].toSorted((one, other) => one - other)
  return positions
    .map((position, index) => bytes.subarray(positions[index - 1] ?? 0, position))
    .filter(({ length }) => length > 0)
}
