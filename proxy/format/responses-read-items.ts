import type { Fields } from './fields.ts'
import { FormatError } from './format.ts'
import { imageDetail } from './openai-request.ts'
import { unwrapSeal } from './seal.ts'
import { sourceOfData, sourceOfUrl } from './source.ts'
import { refuseProgram } from './tool-caller.ts'
import type { AssistantPart, MediaPart, Message, TextPart } from './turn.ts'

/** One item of a request's input in Responses; what has no twin elsewhere is refused. */
export function readItem(item: Fields): Message {
  // What an answer's items carry besides their content.
  item.any('id')
  item.any('status')
  const message = messageOf(item, item.text('type') ?? 'message')
  item.close()
  return message
}

function messageOf(item: Fields, type: string): Message {
  switch (type) {
    case 'message':
      return readMessage(item)
    case 'function_call':
      return { role: 'assistant', parts: [readCall(item)] }
    case 'function_call_output': {
      refuseProgram(item)
      const output = item.textOrEach('output')
      const parts = partsOf(output, readMedia)
      return { role: 'user', parts: [{ kind: 'result', callId: item.requiredText('call_id'), parts }] }
    }
    case 'reasoning':
      return { role: 'assistant', parts: [readReasoning(item)] }
    default:
      return item.refuse(type)
  }
}

function readMessage(item: Fields): Message {
  const role = item.requiredText('role')
  const content = item.textOrEach('content')
  if (role === 'user') return { role, parts: partsOf(content, readMedia) }
  if (role === 'assistant') return { role, parts: partsOf(content, readSaid) }
  if (role === 'system' || role === 'developer') {
    return { role: 'system', parts: partsOf<TextPart>(content, (part, type) => part.refuse(type)) }
  }
  throw new FormatError('input[].role must be user, assistant, system or developer.')
}

function partsOf<Part>(
  content: string | readonly Fields[],
  read: (part: Fields, type: string) => Part,
): readonly (Part | TextPart)[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  return content.map((part) => {
    const type = part.requiredText('type')
    const found: Part | TextPart =
      type === 'input_text' || type === 'output_text'
        ? { kind: 'text', text: part.requiredText('text') }
        : read(part, type)
    part.close()
    return found
  })
}

function readSaid(part: Fields, type: string): AssistantPart {
  return type === 'refusal' ? { kind: type, text: part.requiredText('refusal') } : part.refuse(type)
}

function readMedia(part: Fields, type: string): MediaPart {
  part.forbid('file_id')
  if (type === 'input_image') {
    const source = sourceOfUrl(part.requiredText('image_url'), `${part.path}.image_url`)
    return { kind: 'image', source, detail: imageDetail(part) }
  }
  if (type !== 'input_file') return part.refuse(type)
  const url = part.text('file_url')
  const source =
    url === undefined
      ? sourceOfData(part.requiredText('file_data'), `${part.path}.file_data`)
      : ({ kind: 'url', url } as const)
  return { kind: 'document', source, name: part.text('filename') }
}

function readCall(item: Fields): AssistantPart {
  item.forbid('namespace')
  refuseProgram(item)
  return {
    kind: 'call',
    id: item.requiredText('call_id'),
    name: item.requiredText('name'),
    input: item.text('arguments') ?? '',
  }
}

function readReasoning(item: Fields): AssistantPart {
  const text = item.each('summary').map((part) => part.requiredText('text'))
  item.any('content') // the summary stands for it
  return { kind: 'thinking', text: text.join('\n\n'), seal: unwrapSeal(item.text('encrypted_content') ?? '') }
}
