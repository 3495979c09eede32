import { effortOfBudget } from './effort.ts'
import { defined, filled, type Json } from './json.ts'
import type { Field } from './losses.ts'
import { shortUserId } from './openai-request.ts'
import { writeItems } from './responses-write-items.ts'
import type { Tool, Turn } from './turn.ts'

/** Less is refused. */
const MIN_TOKENS = 16

export function writeResponsesRequest(turn: Turn, lose: (field: Field) => void): Json {
  const { reasoning } = turn
  if (turn.stop.length > 0) lose('stop')
  const hasTools = turn.tools.length > 0
  const isThinking = reasoning !== undefined && reasoning.effort !== 'none'
  return defined({
    model: turn.model,
    ...writeInput(turn, lose),
    tools: hasTools ? turn.tools.map(writeTool) : undefined,
    tool_choice: hasTools ? choiceOf(turn) : undefined,
    parallel_tool_calls: hasTools ? turn.isParallel : undefined,
    max_output_tokens: maxTokensOf(turn, lose),
    temperature: turn.temperature,
    top_p: turn.topP,
    reasoning: reasoning && writeReasoning(reasoning),
    include: isThinking ? ['reasoning.encrypted_content'] : undefined,
    text: filled({ format: formatOf(turn), verbosity: turn.verbosity }),
    safety_identifier: shortUserId(turn, lose),
    service_tier: turn.serviceTier,
    store: false, // the default here, and nowhere else, is to keep the answer
    ...turn.shared,
    stream: turn.isStream ? true : undefined,
  })
}

/** A system prompt in one piece is `instructions`; one in several stays in its pieces. */
function writeInput({ messages }: Turn, lose: (field: Field) => void): Json {
  const [first, ...rest] = messages
  if (messages.at(-1)?.role === 'assistant') lose('prefill')
  const isPlain = first?.role === 'system' && first.parts.length === 1
  const write = (message: Turn['messages'][number]) => writeItems(message, lose)
  return isPlain
    ? { instructions: first.parts[0]?.text, input: rest.flatMap(write) }
    : { input: messages.flatMap(write) }
}

/** Without `strict` OpenAI would rewrite the schema so that every argument is required. */
function writeTool({ name, description, parameters, isStrict = false }: Tool): Json {
  return defined({ type: 'function', name, description, parameters: parameters ?? null, strict: isStrict })
}

function choiceOf({ toolChoice }: Turn): unknown {
  return toolChoice?.kind === 'tool' ? { type: 'function', name: toolChoice.name } : toolChoice?.kind
}

function maxTokensOf({ maxTokens }: Turn, lose: (field: Field) => void): number | undefined {
  if (maxTokens === undefined || maxTokens >= MIN_TOKENS) return maxTokens
  lose('maxTokens')
  return MIN_TOKENS
}

function writeReasoning({ effort, budgetTokens, isSummarized }: NonNullable<Turn['reasoning']>): Json | undefined {
  return filled({
    effort: effort ?? (budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens)),
    summary: isSummarized ? 'auto' : undefined,
  })
}

function formatOf({ outputFormat }: Turn): Json | undefined {
  if (outputFormat === undefined) return undefined
  if (outputFormat.kind === 'json') return { type: 'json_object' }
  const { name = 'answer', description, schema, isStrict } = outputFormat
  return defined({ type: 'json_schema', name, description, schema, strict: isStrict })
}
