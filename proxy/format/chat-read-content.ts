import type { Fields } from './fields.ts'
import { imageDetail } from './openai-request.ts'
import { sourceOfData, sourceOfUrl } from './source.ts'
import type { AssistantPart, DocumentPart, ImagePart, RefusalPart, TextPart, UserPart } from './turn.ts'

type Content = string | readonly Fields[]

/** Content parts of a request in Chat Completions; what has no twin elsewhere is refused. */

export function readChatTexts(content: Content): readonly TextPart[] {
  return partsOf(content, (part, type) => part.refuse(type))
}

export function readChatUserParts(content: Content): readonly UserPart[] {
  return partsOf(content, (part, type) => {
    if (type === 'image_url') return readImage(part)
    return type === 'file' ? readFile(part) : part.refuse(type)
  })
}

export function readChatAssistant(message: Fields): readonly AssistantPart[] {
  message.forbid('audio', 'function_call')
  const thinking = message.text('reasoning_content') ?? '' // not OpenAI's: what servers with open thoughts send
  const refusal = message.text('refusal')
  const content = message.any('content') === undefined ? [] : message.textOrEach('content')
  return [
    ...(thinking === '' ? [] : [{ kind: 'thinking' as const, text: thinking, seal: undefined }]),
    ...partsOf<RefusalPart>(content, (part, type) =>
      type === 'refusal' ? { kind: type, text: part.requiredText('refusal') } : part.refuse(type),
    ),
    ...(refusal === undefined ? [] : [{ kind: 'refusal' as const, text: refusal }]),
    ...message.each('tool_calls').map(readCall),
  ]
}

function partsOf<Part>(content: Content, read: (part: Fields, type: string) => Part): readonly (Part | TextPart)[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  return content.map((part) => {
    const type = part.requiredText('type')
    const found: Part | TextPart =
      type === 'text' ? { kind: 'text', text: part.requiredText('text') } : read(part, type)
    part.close()
    return found
  })
}

function readCall(call: Fields): AssistantPart {
  const type = call.text('type') ?? 'function'
  const called = type === 'function' ? call.inner('function') : undefined
  if (called === undefined) return call.refuse(type)
  const id = call.requiredText('id')
  const part = { kind: 'call' as const, id, name: called.requiredText('name'), input: called.text('arguments') ?? '' }
  called.close()
  call.close()
  return part
}

function readImage(part: Fields): ImagePart {
  const image = part.inner('image_url') ?? part.refuse('image_url')
  const source = sourceOfUrl(image.requiredText('url'), `${image.path}.url`)
  const detail = imageDetail(image)
  image.close()
  return { kind: 'image', source, detail }
}

function readFile(part: Fields): DocumentPart {
  const file = part.inner('file') ?? part.refuse('file')
  file.forbid('file_id')
  const source = sourceOfData(file.requiredText('file_data'), `${file.path}.file_data`)
  const name = file.text('filename')
  file.close()
  return { kind: 'document', source, name }
}
