import type { Answer, Heading, Stop } from './answer.ts'
import { answerId } from './answer-id.ts'
import { type AnswerContext, FormatError } from './format.ts'
import { defined, isObject, type Json, numberOf, objectOf, objectsOf, textOf } from './json.ts'
import type { Field, Lose } from './losses.ts'
import { CHAT_SIDES, readOpenaiUsage, writeOpenaiUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'

const reasons: Readonly<Record<Stop['reason'], string>> = {
  end: 'stop',
  sequence: 'stop',
  pause: 'stop',
  length: 'length',
  window: 'length',
  tools: 'tool_calls',
  refusal: 'content_filter',
}

export function readChatAnswer(body: Json, lose: Lose): Answer {
  const [choice, ...others] = objectsOf(body['choices'])
  if (choice === undefined) throw new FormatError('The answer of the upstream is no completion.')
  if (others.length > 0) lose('choices[]')
  const message = objectOf(choice['message'])
  if (isObject(choice['logprobs'])) lose('choices[].logprobs')
  if (objectsOf(message['annotations']).length > 0) lose('choices[].message.annotations')
  if (isObject(message['audio'])) lose('choices[].message.audio')
  const parts = [
    ...textPart('thinking', thoughtsOf(message)),
    ...textPart('text', textOf(message['content'])),
    ...textPart('refusal', textOf(message['refusal'])),
    ...objectsOf(message['tool_calls']).map(readCall),
  ]
  return { ...readChatHeading(body), parts, stop: readChatStop(choice['finish_reason'], parts.some(isCall)) }
}

function textPart(kind: 'text' | 'refusal' | 'thinking', text: string | undefined): readonly AssistantPart[] {
  if (text === undefined || text === '') return []
  return [kind === 'thinking' ? { kind, text, seal: undefined } : { kind, text }]
}

function readCall(call: Json): AssistantPart {
  const called = objectOf(call['function'])
  return {
    kind: 'call',
    id: textOf(call['id']) ?? '',
    name: textOf(called['name']) ?? '',
    input: textOf(called['arguments']) ?? '',
  }
}

function isCall({ kind }: AssistantPart): boolean {
  return kind === 'call'
}

/** OpenAI keeps its models' thoughts; other servers send them under one of these names. */
export function thoughtsOf(holder: Json): string | undefined {
  return textOf(holder['reasoning_content']) ?? textOf(holder['reasoning'])
}

export function readChatHeading(body: Json): Heading {
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdAt: numberOf(body['created']),
    usage: readOpenaiUsage(body['usage'], CHAT_SIDES),
    serviceTier: textOf(body['service_tier']),
  }
}

/** Some servers say `stop` behind tool calls too. */
export function readChatStop(word: unknown, hasCalls: boolean): Stop {
  const sequence = undefined
  if (word === 'length') return { reason: 'length', sequence }
  if (word === 'content_filter') return { reason: 'refusal', sequence }
  return { reason: hasCalls ? 'tools' : 'end', sequence }
}

export function writeChatStop({ reason }: Stop): string {
  return reasons[reason]
}

export function writeChatAnswer(answer: Answer, context: AnswerContext, lose: (field: Field) => void): Json {
  const { parts, usage } = answer
  if (answer.stop.sequence !== undefined) lose('stopSequence')
  if (parts.some((part) => part.kind === 'thinking' && part.seal !== undefined)) lose('seal')
  const calls = parts.flatMap((part) =>
    part.kind === 'call'
      ? [{ id: part.id, type: 'function', function: { name: part.name, arguments: part.input || '{}' } }]
      : [],
  )
  const message = defined({
    role: 'assistant',
    content: textIn(parts, 'text') ?? null,
    refusal: textIn(parts, 'refusal') ?? null,
    reasoning_content: textIn(parts, 'thinking') || undefined,
    tool_calls: calls.length > 0 ? calls : undefined,
  })
  return {
    ...writeChatHead(answer, context),
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: writeChatStop(answer.stop) }],
    ...(usage ? { usage: writeOpenaiUsage(usage, CHAT_SIDES) } : {}),
  }
}

function textIn(parts: readonly AssistantPart[], kind: 'text' | 'refusal' | 'thinking'): string | undefined {
  const texts = parts.flatMap((part) => (part.kind === kind ? [part.text] : []))
  return texts.length === 0 ? undefined : texts.join('')
}

export function writeChatHead(heading: Heading, context: AnswerContext): Json {
  return defined({
    id: answerId('chat', heading, context),
    created: heading.createdAt ?? context.createdAt,
    model: context.model ?? heading.model ?? '',
    service_tier: heading.serviceTier,
  })
}
