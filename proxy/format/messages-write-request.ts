import { claudeVersion } from './claude-version.ts'
import { defined, filled, type Json } from './json.ts'
import type { Field } from './losses.ts'
import { messagesSampling } from './messages-sampling.ts'
import { messagesThinking } from './messages-thinking.ts'
import { writeBlocks } from './messages-write-content.ts'
import { joinNeighbours, type Tool, type Turn } from './turn.ts'

/** Messages wants a maximum, the others do not: what every model on sale can put out. */
const DEFAULT_MAX_TOKENS = 32_000

export function writeMessagesRequest(turn: Turn, lose: (field: Field) => void): Json {
  const maxTokens = turn.maxTokens ?? DEFAULT_MAX_TOKENS
  const version = claudeVersion(turn.model)
  const { thinking, effort } = messagesThinking(turn, version, maxTokens, lose)
  const isThinking = thinking !== undefined && thinking['type'] !== 'disabled'
  if (turn.verbosity !== undefined) lose('verbosity')
  return defined({
    model: turn.model,
    max_tokens: maxTokens,
    system: systemOf(turn, lose),
    messages: messagesOf(turn, lose),
    tools: turn.tools.length > 0 ? turn.tools.map(writeTool) : undefined,
    tool_choice: choiceOf(turn),
    stop_sequences: stopOf(turn, lose),
    ...messagesSampling(turn, version, isThinking, lose),
    thinking,
    output_config: filled({ effort, format: formatOf(turn, lose) }),
    metadata: turn.userId === undefined ? undefined : { user_id: turn.userId },
    service_tier: tierOf(turn, lose),
    stream: turn.isStream ? true : undefined,
  })
}

/** System prompts stand before the conversation; those in its middle are moved there. */
function systemOf({ messages }: Turn, lose: (field: Field) => void): unknown {
  const first = messages.findIndex(({ role }) => role !== 'system')
  if (first !== -1 && messages.slice(first).some(({ role }) => role === 'system')) lose('systemPlace')
  const blocks = messages.flatMap((message) => (message.role === 'system' ? writeBlocks(message.parts, lose) : []))
  if (blocks.length === 0) return undefined
  return blocks.length === 1 ? blocks[0]?.['text'] : blocks
}

function messagesOf(turn: Turn, lose: (field: Field) => void): readonly Json[] {
  const others = turn.messages.filter(({ role }) => role !== 'system')
  // All results of a message's calls have to come in one message behind it.
  const messages = joinNeighbours(others, ['user', 'assistant']).map(({ role, parts }) => ({
    role,
    content: writeBlocks([...parts.filter(isResult), ...parts.filter((part) => !isResult(part))], lose),
  }))
  return messages
    .filter(({ content }) => content.length > 0)
    .map(({ role, content }) => {
      const [first] = content
      const isPlain = content.length === 1 && first?.['type'] === 'text'
      return { role, content: isPlain ? first['text'] : content }
    })
}

function isResult({ kind }: { readonly kind: string }): boolean {
  return kind === 'result'
}

function writeTool({ name, description, parameters, isStrict }: Tool): Json {
  const inputSchema = { type: 'object', ...(parameters ?? { properties: {} }) }
  return defined({ name, description, input_schema: inputSchema, strict: isStrict === true ? true : undefined })
}

function choiceOf({ tools, toolChoice, isParallel }: Turn): Json | undefined {
  if (tools.length === 0) return undefined
  if (toolChoice?.kind === 'none') return { type: 'none' }
  const single = isParallel === false ? { disable_parallel_tool_use: true } : {}
  if (toolChoice?.kind === 'tool') return { type: 'tool', name: toolChoice.name, ...single }
  if (toolChoice?.kind === 'required') return { type: 'any', ...single }
  return toolChoice !== undefined || isParallel === false ? { type: 'auto', ...single } : undefined
}

/** Sequences of nothing but white space are refused by the API. */
function stopOf({ stop }: Turn, lose: (field: Field) => void): readonly string[] | undefined {
  const visible = stop.filter((sequence) => sequence.trim() !== '')
  if (visible.length < stop.length) lose('stop')
  return visible.length > 0 ? visible : undefined
}

function formatOf({ outputFormat }: Turn, lose: (field: Field) => void): Json | undefined {
  if (outputFormat?.kind === 'json') lose('outputFormat')
  return outputFormat?.kind === 'schema' ? { type: 'json_schema', schema: outputFormat.schema } : undefined
}

function tierOf({ serviceTier }: Turn, lose: (field: Field) => void): string | undefined {
  if (serviceTier === 'auto') return 'auto'
  if (serviceTier === 'default') return 'standard_only'
  if (serviceTier !== undefined) lose('serviceTier')
  return undefined
}
