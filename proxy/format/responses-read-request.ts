import { effortOf } from './effort.ts'
import { Fields } from './fields.ts'
import { defined } from './json.ts'
import type { Lose } from './losses.ts'
import { allowedTools, readSharedFields, readToolChoice, userIdOf } from './openai-request.ts'
import { readItem } from './responses-read-items.ts'
import type { Message, OutputFormat, Reasoning, Tool, Turn } from './turn.ts'

/** A request of https://platform.openai.com/docs/api-reference/responses/create; what lies at the provider is refused. */
export function readResponsesRequest(body: unknown, lose: Lose): Turn {
  const fields = new Fields(body, '', lose)
  fields.forbid('previous_response_id', 'conversation', 'prompt', 'background')
  fields.allow('truncation', 'disabled')
  fields.allow('top_logprobs', 0)
  // Encrypted thoughts are handed out in any case.
  if (fields.texts('include')?.some((each) => each !== 'reasoning.encrypted_content')) lose('include')
  const text = fields.inner('text')
  const { toolChoice, allowed } = readToolChoice(fields, (choice) => choice)
  const turn: Turn = {
    model: fields.text('model'),
    messages: readInput(fields),
    tools: allowedTools(fields.each('tools').map(readTool), allowed),
    toolChoice,
    isParallel: fields.boolean('parallel_tool_calls'),
    maxTokens: fields.number('max_output_tokens'),
    temperature: fields.number('temperature'),
    topP: fields.number('top_p'),
    stop: [],
    reasoning: readReasoning(fields.inner('reasoning'), lose),
    verbosity: text?.text('verbosity'),
    outputFormat: readOutputFormat(text?.inner('format')),
    userId: userIdOf(fields),
    serviceTier: fields.text('service_tier'),
    isStream: fields.boolean('stream') ?? false,
    shared: defined(readSharedFields(fields)),
  }
  text?.close()
  fields.close()
  return turn
}

function readInput(fields: Fields): readonly Message[] {
  const instructions = fields.text('instructions')
  const input = fields.textOrEach('input')
  return [
    ...(instructions === undefined ? [] : [{ role: 'system' as const, parts: [textPart(instructions)] }]),
    ...(typeof input === 'string' ? [{ role: 'user' as const, parts: [textPart(input)] }] : input.map(readItem)),
  ]
}

function textPart(text: string): { readonly kind: 'text'; readonly text: string } {
  return { kind: 'text', text }
}

function readTool(fields: Fields): Tool {
  const type = fields.requiredText('type')
  if (type !== 'function') return fields.refuse(type)
  const tool = {
    name: fields.requiredText('name'),
    description: fields.text('description'),
    parameters: fields.json('parameters'),
    isStrict: fields.boolean('strict'),
  }
  fields.close()
  return tool
}

function readReasoning(fields: Fields | undefined, lose: Lose): Reasoning | undefined {
  if (fields === undefined) return undefined
  const word = fields.text('effort')
  const effort = effortOf(word)
  if (word !== undefined && effort === undefined) lose('reasoning.effort')
  const summary = fields.text('summary')
  fields.close()
  if (effort === undefined && summary === undefined) return undefined
  return { effort, budgetTokens: undefined, isSummarized: summary !== undefined }
}

function readOutputFormat(fields: Fields | undefined): OutputFormat | undefined {
  const type = fields?.requiredText('type')
  if (fields === undefined || type === 'text' || type === undefined) return undefined
  if (type === 'json_object') return { kind: 'json' }
  if (type !== 'json_schema') return fields.refuse(type)
  const format = {
    kind: 'schema' as const,
    schema: fields.requiredJson('schema'),
    name: fields.text('name'),
    description: fields.text('description'),
    isStrict: fields.boolean('strict'),
  }
  fields.close()
  return format
}
