import { FormatError } from './format.ts'
import { defined, type Json, parseObject } from './json.ts'
import type { Field } from './losses.ts'
import type { AssistantPart, DocumentPart, Source, ThinkingPart, ToolCallPart, UserPart } from './turn.ts'

const PDF = 'application/pdf'

/** Content blocks as the API takes them; empty texts it refuses. */
export function writeBlocks(
  parts: readonly (UserPart | AssistantPart)[],
  lose: (field: Field) => void,
): readonly Json[] {
  return parts.flatMap((part) => {
    const block = writeBlock(part, lose)
    return block === undefined ? [] : [block]
  })
}

function writeBlock(part: UserPart | AssistantPart, lose: (field: Field) => void): Json | undefined {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : { type: 'text', text: part.text }
    case 'image':
      if (part.detail !== undefined) lose('imageDetail')
      return { type: 'image', source: writeSource(part.source) }
    case 'document':
      return writeDocument(part)
    case 'call': {
      const { input, isBroken } = inputOf(part)
      if (isBroken) lose('callArguments')
      return { type: 'tool_use', id: callIdOf(part.id), name: part.name, input }
    }
    case 'result': {
      const blocks = writeBlocks(part.parts, lose)
      const [first] = blocks
      const isPlain = blocks.length === 1 && first?.['type'] === 'text'
      return defined({
        type: 'tool_result',
        tool_use_id: callIdOf(part.callId),
        content: isPlain ? first['text'] : blocks.length > 0 ? blocks : undefined,
      })
    }
    case 'thinking':
      return writeThinking(part, lose)
  }
}

/**
 * What a model wrote as a call's arguments, as the object that `input` has to be; broken JSON in the wrapping that the
 * documentation proposes (https://docs.claude.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming).
 */
export function inputOf({ input }: ToolCallPart): { readonly input: Json; readonly isBroken: boolean } {
  const parsed = parseObject(input === '' ? '{}' : input)
  return { input: parsed ?? { INVALID_JSON: input }, isBroken: parsed === undefined }
}

/** Letters, digits, `_` and `-` only; some servers put dots and colons into theirs. */
function callIdOf(id: string): string {
  return id.replace(/[^\w-]/g, '_')
}

function writeSource(source: Source): Json {
  return source.kind === 'url'
    ? { type: 'url', url: source.url }
    : { type: 'base64', media_type: source.mediaType, data: source.data }
}

function writeDocument({ source, name }: DocumentPart): Json {
  if (source.kind === 'base64' && source.mediaType !== PDF) {
    throw new FormatError('Of files, only PDF can be carried over to this channel.')
  }
  return defined({ type: 'document', source: writeSource(source), title: name })
}

/** Anthropic takes back nothing but its own thoughts, unchanged. */
function writeThinking({ text, seal }: ThinkingPart, lose: (field: Field) => void): Json | undefined {
  if (seal?.by !== 'messages') {
    lose('thinking')
    return undefined
  }
  return seal.isRedacted
    ? { type: 'redacted_thinking', data: seal.value }
    : { type: 'thinking', thinking: text, signature: seal.value }
}
