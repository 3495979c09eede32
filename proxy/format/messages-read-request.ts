import { effortOf } from './effort.ts'
import { Fields } from './fields.ts'
import { FormatError } from './format.ts'
import type { Lose } from './losses.ts'
import { readAssistantParts, readTexts, readUserParts } from './messages-read-content.ts'
import type { Message, OutputFormat, Reasoning, Tool, ToolChoice, Turn } from './turn.ts'

/** A request of https://docs.claude.com/en/api/messages. */
export function readMessagesRequest(body: unknown, lose: Lose): Turn {
  const fields = new Fields(body, '', lose)
  fields.forbid('container', 'mcp_servers', 'inference_geo')
  const system = fields.any('system') === undefined ? [] : readTexts(fields.textOrEach('system'))
  const config = fields.inner('output_config')
  const choice = fields.inner('tool_choice')
  const metadata = fields.inner('metadata')
  const tier = fields.text('service_tier')
  const turn: Turn = {
    model: fields.text('model'),
    messages: [
      ...(system.length > 0 ? [{ role: 'system' as const, parts: system }] : []),
      ...fields.each('messages').map(readMessage),
    ],
    tools: fields.each('tools').map(readTool),
    toolChoice: choice && readChoice(choice),
    isParallel: choice && negated(choice.boolean('disable_parallel_tool_use')),
    maxTokens: fields.number('max_tokens'),
    temperature: fields.number('temperature'),
    topP: fields.number('top_p'),
    stop: fields.texts('stop_sequences') ?? [],
    reasoning: readReasoning(fields.inner('thinking'), config?.text('effort'), lose),
    verbosity: undefined,
    outputFormat: readOutputFormat(config?.inner('format') ?? fields.inner('output_format')),
    userId: metadata?.text('user_id'),
    serviceTier: tier === 'standard_only' ? 'default' : tier,
    isStream: fields.boolean('stream') ?? false,
    shared: {},
  }
  for (const each of [config, choice, metadata, fields]) each?.close()
  return turn
}

function readMessage(fields: Fields): Message {
  const role = fields.requiredText('role')
  const content = fields.textOrEach('content')
  fields.close()
  if (role === 'user') return { role, parts: readUserParts(content) }
  if (role === 'assistant') return { role, parts: readAssistantParts(content) }
  if (role === 'system') return { role, parts: readTexts(content) }
  throw new FormatError('messages[].role must be user, assistant or system.')
}

function readTool(fields: Fields): Tool {
  const type = fields.text('type')
  if (type !== undefined && type !== 'custom') return fields.refuse(type)
  const tool = {
    name: fields.requiredText('name'),
    description: fields.text('description'),
    parameters: fields.json('input_schema'),
    isStrict: fields.boolean('strict'),
  }
  fields.close()
  return tool
}

function readChoice(fields: Fields): ToolChoice {
  const type = fields.requiredText('type')
  if (type === 'auto' || type === 'none') return { kind: type }
  if (type === 'any') return { kind: 'required' }
  if (type === 'tool') return { kind: 'tool', name: fields.requiredText('name') }
  throw new FormatError('tool_choice.type must be auto, any, tool or none.')
}

function readReasoning(thinking: Fields | undefined, word: string | undefined, lose: Lose): Reasoning | undefined {
  const effort = effortOf(word)
  if (word !== undefined && effort === undefined) lose('output_config.effort')
  const type = thinking?.requiredText('type')
  const isSummarized = thinking?.text('display') === 'summarized'
  const budgetTokens = thinking?.number('budget_tokens')
  thinking?.close()
  if (type === 'disabled') return { effort: 'none', budgetTokens: undefined, isSummarized: false }
  if (type === 'enabled') return { effort, budgetTokens, isSummarized }
  if (type === 'adaptive') return { effort, budgetTokens: undefined, isSummarized }
  if (type !== undefined) lose('thinking')
  return effort && { effort, budgetTokens: undefined, isSummarized }
}

function readOutputFormat(fields: Fields | undefined): OutputFormat | undefined {
  if (fields === undefined) return undefined
  const type = fields.requiredText('type')
  if (type !== 'json_schema') return fields.refuse(type)
  const schema = fields.requiredJson('schema')
  fields.close()
  return { kind: 'schema', schema, name: undefined, description: undefined, isStrict: undefined }
}

function negated(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}
