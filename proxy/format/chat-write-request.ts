import { effortOfBudget } from './effort.ts'
import { writeChatMessages } from './chat-write-messages.ts'
import { defined, type Json } from './json.ts'
import type { Field } from './losses.ts'
import { shortUserId } from './openai-request.ts'
import type { Tool, Turn } from './turn.ts'

const MAX_STOP_SEQUENCES = 4
const OPENAI_MODEL = /gpt|codex|\bo\d/i

export function writeChatRequest(turn: Turn, lose: (field: Field) => void): Json {
  if (turn.stop.length > MAX_STOP_SEQUENCES) lose('stop')
  if (turn.reasoning?.isSummarized) lose('summary')
  const hasTools = turn.tools.length > 0
  return defined({
    model: turn.model,
    messages: writeChatMessages(turn, lose),
    tools: hasTools ? turn.tools.map(writeTool) : undefined,
    tool_choice: hasTools ? choiceOf(turn) : undefined,
    parallel_tool_calls: hasTools ? turn.isParallel : undefined,
    [maxTokensName(turn)]: turn.maxTokens,
    temperature: turn.temperature,
    top_p: turn.topP,
    stop: turn.stop.length > 0 ? turn.stop.slice(0, MAX_STOP_SEQUENCES) : undefined,
    reasoning_effort: turn.reasoning && chatEffort(turn.reasoning),
    verbosity: turn.verbosity,
    response_format: formatOf(turn),
    user: shortUserId(turn, lose),
    service_tier: turn.serviceTier,
    ...turn.shared,
    stream: turn.isStream ? true : undefined,
    stream_options: turn.isStream ? { include_usage: true } : undefined, // without it a stream tells no usage
  })
}

/** OpenAI's newer models refuse the old name, and servers of other models (Mistral's) the new one. */
function maxTokensName({ model = '' }: Turn): string {
  return OPENAI_MODEL.test(model) ? 'max_completion_tokens' : 'max_tokens'
}

function chatEffort({ effort, budgetTokens }: NonNullable<Turn['reasoning']>): string | undefined {
  return effort ?? (budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens))
}

function writeTool({ name, description, parameters, isStrict }: Tool): Json {
  return { type: 'function', function: defined({ name, description, parameters, strict: isStrict }) }
}

function choiceOf({ toolChoice }: Turn): unknown {
  if (toolChoice?.kind === 'tool') return { type: 'function', function: { name: toolChoice.name } }
  return toolChoice?.kind
}

function formatOf({ outputFormat }: Turn): Json | undefined {
  if (outputFormat === undefined) return undefined
  if (outputFormat.kind === 'json') return { type: 'json_object' }
  const { name = 'answer', description, schema, isStrict } = outputFormat
  return { type: 'json_schema', json_schema: defined({ name, description, schema, strict: isStrict }) }
}
