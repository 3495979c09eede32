import { readChatAssistant, readChatTexts, readChatUserParts } from './chat-read-content.ts'
import { effortOf } from './effort.ts'
import { Fields } from './fields.ts'
import { FormatError } from './format.ts'
import { defined } from './json.ts'
import type { Lose } from './losses.ts'
import { allowedTools, readSharedFields, readToolChoice, userIdOf } from './openai-request.ts'
import type { Message, OutputFormat, Reasoning, Tool, Turn } from './turn.ts'

/** A request of https://platform.openai.com/docs/api-reference/chat/create. */
export function readChatRequest(body: unknown, lose: Lose): Turn {
  const fields = new Fields(body, '', lose)
  fields.allow('n', 1)
  fields.allow('frequency_penalty', 0)
  fields.allow('presence_penalty', 0)
  fields.forbid('n', 'audio', 'functions', 'function_call', 'web_search_options')
  if (fields.texts('modalities')?.some((each) => each !== 'text')) {
    throw new FormatError('modalities other than text cannot be carried over to this channel.')
  }
  const options = fields.inner('stream_options')
  options?.boolean('include_usage') // the caller's stream is told of it apart
  options?.close()
  const maxTokens = fields.number('max_tokens') // replaced by the following
  const { toolChoice, allowed } = readToolChoice(fields, (choice, type) => choice.inner(type))
  const turn: Turn = {
    model: fields.text('model'),
    messages: fields.each('messages').map(readMessage),
    tools: allowedTools(fields.each('tools').map(readTool), allowed),
    toolChoice,
    isParallel: fields.boolean('parallel_tool_calls'),
    maxTokens: fields.number('max_completion_tokens') ?? maxTokens,
    temperature: fields.number('temperature'),
    topP: fields.number('top_p'),
    stop: readStop(fields),
    reasoning: readReasoning(fields.text('reasoning_effort'), lose),
    verbosity: fields.text('verbosity'),
    outputFormat: readOutputFormat(fields.inner('response_format')),
    userId: userIdOf(fields),
    serviceTier: fields.text('service_tier'),
    isStream: fields.boolean('stream') ?? false,
    shared: defined(readSharedFields(fields)),
  }
  fields.close()
  return turn
}

function readMessage(fields: Fields): Message {
  const message = messageOf(fields, fields.requiredText('role'))
  fields.close()
  return message
}

function messageOf(fields: Fields, role: string): Message {
  switch (role) {
    case 'system':
    case 'developer':
      return { role: 'system', parts: readChatTexts(fields.textOrEach('content')) }
    case 'user':
      return { role, parts: readChatUserParts(fields.textOrEach('content')) }
    case 'assistant':
      return { role, parts: readChatAssistant(fields) }
    case 'tool': {
      const parts = readChatTexts(fields.textOrEach('content'))
      return {
        role: 'user',
        parts: [{ kind: 'result', callId: fields.requiredText('tool_call_id'), parts }],
      }
    }
    default:
      throw new FormatError('messages[].role must be system, developer, user, assistant or tool.')
  }
}

function readTool(fields: Fields): Tool {
  const type = fields.requiredText('type')
  const definition = type === 'function' ? fields.inner('function') : undefined
  if (definition === undefined) return fields.refuse(type)
  const tool = {
    name: definition.requiredText('name'),
    description: definition.text('description'),
    parameters: definition.json('parameters'),
    isStrict: definition.boolean('strict'),
  }
  definition.close()
  fields.close()
  return tool
}

function readStop(fields: Fields): readonly string[] {
  const stop = fields.any('stop')
  return typeof stop === 'string' ? [stop] : (fields.texts('stop') ?? [])
}

function readReasoning(word: string | undefined, lose: Lose): Reasoning | undefined {
  const effort = effortOf(word)
  if (word !== undefined && effort === undefined) lose('reasoning_effort')
  return effort && { effort, budgetTokens: undefined, isSummarized: false }
}

function readOutputFormat(fields: Fields | undefined): OutputFormat | undefined {
  const type = fields?.requiredText('type')
  if (fields === undefined || type === 'text' || type === undefined) return undefined
  if (type === 'json_object') return { kind: 'json' }
  const format = type === 'json_schema' ? fields.inner('json_schema') : undefined
  if (format === undefined) return fields.refuse(type)
  const found = {
    kind: 'schema' as const,
    schema: format.requiredJson('schema'),
    name: format.text('name'),
    description: format.text('description'),
    isStrict: format.boolean('strict'),
  }
  format.close()
  fields.close()
  return found
}
