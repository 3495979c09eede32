import { defined, type Json } from './json.ts'
import type { Field } from './losses.ts'
import { urlOfSource } from './source.ts'
import type { AssistantPart, DocumentPart, MediaPart, Message, ThinkingPart, UserPart } from './turn.ts'

/** The input items of one message: what the model said, thought, called and got back are items of their own. */
export function writeItems(message: Message, lose: (field: Field) => void): readonly Json[] {
  switch (message.role) {
    case 'system':
      return [{ type: 'message', role: 'system', content: message.parts.map(writePart) }]
    case 'user':
      return writeUser(message.parts)
    case 'assistant':
      return message.parts.flatMap((part) => writeSaid(part, lose))
  }
}

function writeUser(parts: readonly UserPart[]): readonly Json[] {
  const results = parts.flatMap((part) =>
    part.kind === 'result'
      ? [{ type: 'function_call_output', call_id: part.callId, output: contentOf(part.parts) }]
      : [],
  )
  const media = parts.filter((part) => part.kind !== 'result')
  return media.length === 0 ? results : [...results, { type: 'message', role: 'user', content: contentOf(media) }]
}

function contentOf(parts: readonly MediaPart[]): unknown {
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.kind === 'text' ? first.text : parts.map(writePart)
}

function writePart(part: MediaPart): Json {
  if (part.kind === 'text') return { type: 'input_text', text: part.text }
  if (part.kind === 'document') return writeFile(part)
  return { type: 'input_image', image_url: urlOfSource(part.source), detail: part.detail ?? 'auto' }
}

function writeFile({ source, name }: DocumentPart): Json {
  return source.kind === 'url'
    ? defined({ type: 'input_file', file_url: source.url, filename: name })
    : { type: 'input_file', file_data: urlOfSource(source), filename: name ?? 'document.pdf' }
}

function writeSaid(part: AssistantPart, lose: (field: Field) => void): readonly Json[] {
  switch (part.kind) {
    case 'text':
      return [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: part.text }] }]
    case 'refusal':
      return [{ type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: part.text }] }]
    case 'call':
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.input || '{}' }]
    case 'thinking':
      return writeThinking(part, lose)
  }
}

/** OpenAI takes back nothing but its own thoughts, with the id that they had. */
function writeThinking({ text, seal }: ThinkingPart, lose: (field: Field) => void): readonly Json[] {
  if (seal?.by !== 'responses') {
    lose('thinking')
    return []
  }
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  return [{ type: 'reasoning', id: seal.id, summary, encrypted_content: seal.value }]
}
