import type { Fields } from './fields.ts'
import { unwrapSeal } from './seal.ts'
import { refuseProgram } from './tool-caller.ts'
import type { AssistantPart, MediaPart, Source, TextPart, ToolResultPart, UserPart } from './turn.ts'

type Content = string | readonly Fields[]

/** Content blocks of a request in Anthropic's Messages; what has no twin elsewhere is refused. */

export function readTexts(content: Content): readonly TextPart[] {
  return blocksOf(content, (block, type) => (type === 'text' ? [textOf(block)] : block.refuse(type)))
}

export function readUserParts(content: Content): readonly UserPart[] {
  return blocksOf<UserPart>(content, (block, type) =>
    type === 'tool_result' ? [resultOf(block)] : readMedia(block, type),
  )
}

export function readAssistantParts(content: Content): readonly AssistantPart[] {
  return blocksOf<AssistantPart>(content, (block, type) => {
    if (type === 'text') return [textOf(block)]
    if (type === 'tool_use') return [callOf(block)]
    if (type === 'thinking') {
      const signature = block.text('signature') ?? ''
      return [{ kind: 'thinking', text: block.text('thinking') ?? '', seal: unwrapSeal(signature) }]
    }
    if (type === 'redacted_thinking') {
      return [{ kind: 'thinking', text: '', seal: unwrapSeal(block.requiredText('data')) }]
    }
    return block.refuse(type)
  })
}

function blocksOf<Part>(
  content: Content,
  read: (block: Fields, type: string) => readonly (Part | TextPart)[],
): readonly (Part | TextPart)[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  return content.flatMap((block) => {
    const parts = read(block, block.requiredText('type'))
    block.close()
    return parts
  })
}

function textOf(block: Fields): TextPart {
  return { kind: 'text', text: block.requiredText('text') }
}

function resultOf(block: Fields): ToolResultPart {
  return {
    kind: 'result',
    callId: block.requiredText('tool_use_id'),
    parts: block.any('content') === undefined ? [] : blocksOf(block.textOrEach('content'), readMedia),
  }
}

function callOf(block: Fields): AssistantPart {
  refuseProgram(block)
  return {
    kind: 'call',
    id: block.requiredText('id'),
    name: block.requiredText('name'),
    input: JSON.stringify(block.any('input') ?? {}),
  }
}

function readMedia(block: Fields, type: string): readonly MediaPart[] {
  if (type === 'text') return [textOf(block)]
  const source = type === 'image' || type === 'document' ? block.inner('source') : undefined
  if (source === undefined) return block.refuse(type)
  const parts = readSource(source, type === 'image' ? 'image' : 'document', block)
  source.close()
  return parts
}

function readSource(source: Fields, kind: 'image' | 'document', block: Fields): readonly MediaPart[] {
  const type = source.requiredText('type')
  if (kind === 'document' && type === 'text') {
    source.text('media_type') // always text/plain
    return [{ kind: 'text', text: source.requiredText('data') }]
  }
  if (kind === 'document' && type === 'content') return blocksOf(source.textOrEach('content'), readMedia)
  const found = readAddress(source, type)
  if (kind === 'image') return [{ kind, source: found, detail: undefined }]
  return [{ kind, source: found, name: block.text('title') }]
}

function readAddress(source: Fields, type: string): Source {
  if (type === 'url') return { kind: type, url: source.requiredText('url') }
  if (type !== 'base64') return source.refuse(type)
  return { kind: type, mediaType: source.requiredText('media_type'), data: source.requiredText('data') }
}
