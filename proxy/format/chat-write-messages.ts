import { FormatError } from './format.ts'
import { defined, type Json } from './json.ts'
import type { Field } from './losses.ts'
import { urlOfSource } from './source.ts'
import {
  type AssistantPart,
  type DocumentPart,
  joinNeighbours,
  type MediaPart,
  type TextPart,
  type ToolResultPart,
  type Turn,
  type UserPart,
} from './turn.ts'

export function writeChatMessages({ messages }: Turn, lose: (field: Field) => void): readonly Json[] {
  if (messages.at(-1)?.role === 'assistant') lose('prefill')
  // One answer of a model is one message here, and several elsewhere.
  return joinNeighbours(messages, ['assistant']).flatMap((message) => {
    if (message.role === 'system') return [{ role: 'system', content: contentOf(message.parts) }]
    return message.role === 'user' ? writeUser(message.parts, lose) : [writeAssistant(message.parts, lose)]
  })
}

/** Results are messages of their own, right behind the calls, and only text: pictures in them follow as the user's. */
function writeUser(parts: readonly UserPart[], lose: (field: Field) => void): readonly Json[] {
  const results = parts.filter((part) => part.kind === 'result')
  const media = [
    ...results.flatMap(({ parts: inner }) => inner.filter(({ kind }) => kind !== 'text')),
    ...parts.filter((part) => part.kind !== 'result'),
  ]
  const written = results.map((result) => writeResult(result, lose))
  return media.length === 0 ? written : [...written, { role: 'user', content: contentOf(media) }]
}

function writeResult({ callId, parts }: ToolResultPart, lose: (field: Field) => void): Json {
  const texts = parts.filter((part) => part.kind === 'text')
  if (texts.length < parts.length) lose('toolMedia')
  return { role: 'tool', tool_call_id: callId, content: contentOf(texts) }
}

function writeAssistant(parts: readonly AssistantPart[], lose: (field: Field) => void): Json {
  if (parts.some(({ kind }) => kind === 'thinking')) lose('thinking')
  const texts = parts.filter((part) => part.kind === 'text')
  const refusal = parts.flatMap((part) => (part.kind === 'refusal' ? [part.text] : [])).join('')
  const calls = parts.flatMap((part) =>
    part.kind === 'call'
      ? [{ id: part.id, type: 'function', function: { name: part.name, arguments: part.input || '{}' } }]
      : [],
  )
  return defined({
    role: 'assistant',
    content: texts.length > 0 ? contentOf(texts) : null,
    refusal: refusal === '' ? undefined : refusal,
    tool_calls: calls.length > 0 ? calls : undefined,
  })
}

function contentOf(parts: readonly (MediaPart | TextPart)[]): unknown {
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.kind === 'text' ? first.text : parts.map(writePart)
}

function writePart(part: MediaPart): Json {
  if (part.kind === 'text') return { type: 'text', text: part.text }
  if (part.kind === 'document') return { type: 'file', file: writeFile(part) }
  return { type: 'image_url', image_url: defined({ url: urlOfSource(part.source), detail: part.detail }) }
}

function writeFile({ source, name = 'document.pdf' }: DocumentPart): Json {
  if (source.kind === 'url') throw new FormatError('A file by its address cannot be carried over to this channel.')
  return { filename: name, file_data: urlOfSource(source) }
}
