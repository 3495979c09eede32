import type { Answer, Heading, Stop } from './answer.ts'
import { answerId } from './answer-id.ts'
import { type AnswerContext, FormatError } from './format.ts'
import { type Json, objectOf, objectsOf, textOf } from './json.ts'
import type { Field, Lose } from './losses.ts'
import { inputOf } from './messages-write-content.ts'
import { type Seal, wrapSeal } from './seal.ts'
import { readMessagesUsage, writeMessagesUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'

const reasons = {
  end_turn: 'end',
  max_tokens: 'length',
  stop_sequence: 'sequence',
  tool_use: 'tools',
  refusal: 'refusal',
  pause_turn: 'pause',
  model_context_window_exceeded: 'window',
} as const satisfies Record<string, Stop['reason']>

export function readMessagesAnswer(body: Json, lose: Lose): Answer {
  if (!Array.isArray(body['content'])) throw new FormatError('The answer of the upstream is no message.')
  const usage = objectOf(body['usage'])
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdAt: undefined,
    parts: objectsOf(body['content']).flatMap((block) => readMessagesBlock(block, lose) ?? []),
    stop: readMessagesStop(body, lose),
    usage: readMessagesUsage(body['usage'], undefined),
    serviceTier: readMessagesTier(usage),
  }
}

/** A block of an answer; undefined for what the others have no place for. */
export function readMessagesBlock(block: Json, lose: Lose): AssistantPart | undefined {
  switch (block['type']) {
    case 'text':
      if (objectsOf(block['citations']).length > 0) lose('content[].citations')
      return { kind: 'text', text: textOf(block['text']) ?? '' }
    case 'thinking': {
      const value = textOf(block['signature']) ?? ''
      const seal = value === '' ? undefined : ({ by: 'messages', isRedacted: false, value } as const)
      return { kind: 'thinking', text: textOf(block['thinking']) ?? '', seal }
    }
    case 'redacted_thinking': {
      const seal: Seal = { by: 'messages', isRedacted: true, value: textOf(block['data']) ?? '' }
      return { kind: 'thinking', text: '', seal }
    }
    case 'tool_use': {
      const input = JSON.stringify(block['input'] ?? {})
      return { kind: 'call', id: textOf(block['id']) ?? '', name: textOf(block['name']) ?? '', input }
    }
    default:
      lose(`content[].${textOf(block['type']) ?? 'type'}`)
      return undefined
  }
}

/** `holder` is what holds `stop_reason`: the message, or the delta of its last event. */
export function readMessagesStop(holder: Json, lose: Lose): Stop {
  if (holder['stop_details'] != null) lose('stop_details')
  const found = Object.entries(reasons).find(([word]) => word === holder['stop_reason'])
  return { reason: found?.[1] ?? 'end', sequence: textOf(holder['stop_sequence']) }
}

export function readMessagesTier(usage: Json): string | undefined {
  const tier = textOf(usage['service_tier'])
  return tier === 'standard' ? 'default' : tier
}

export function writeMessagesAnswer(answer: Answer, context: AnswerContext, lose: (field: Field) => void): Json {
  return {
    ...writeMessagesHead(answer, context),
    content: answer.parts.map((part) => writeMessagesBlock(part, lose)),
    ...writeMessagesStop(answer.stop, answer.parts),
  }
}

/** A message with nothing in it. */
export function writeMessagesHead(heading: Heading, context: AnswerContext): Json {
  const { usage, serviceTier } = heading
  const tier = serviceTier === 'priority' ? serviceTier : 'standard'
  return {
    id: answerId('messages', heading, context),
    type: 'message',
    role: 'assistant',
    model: context.model ?? heading.model ?? '',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: { ...writeMessagesUsage(usage), cache_creation: null, service_tier: tier },
  }
}

export function writeMessagesBlock(part: AssistantPart, lose: (field: Field) => void): Json {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: part.text, citations: null }
    case 'call': {
      const { input, isBroken } = inputOf(part)
      if (isBroken) lose('answeredArguments')
      return { type: 'tool_use', id: part.id, name: part.name, input, caller: { type: 'direct' } }
    }
    case 'thinking':
      if (part.seal?.by === 'messages' && part.seal.isRedacted) {
        return { type: 'redacted_thinking', data: part.seal.value }
      }
      return { type: 'thinking', thinking: part.text, signature: part.seal ? signatureOf(part.seal) : '' }
  }
}

export function signatureOf(seal: Seal): string {
  return seal.by === 'messages' ? seal.value : wrapSeal(seal)
}

/** OpenAI's models refuse with a part of its own and end as usual. */
export function writeMessagesStop({ reason, sequence }: Stop, parts: readonly { readonly kind: string }[]): Json {
  const isRefusal = reason === 'end' && parts.some(({ kind }) => kind === 'refusal')
  const found = Object.entries(reasons).find(([, each]) => each === (isRefusal ? 'refusal' : reason))
  return { stop_reason: found?.[0] ?? 'end_turn', stop_sequence: sequence ?? null }
}
