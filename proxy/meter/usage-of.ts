import type { Protocol } from '../domain/endpoint.ts'
import { NO_USAGE, type Usage } from '../domain/usage.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a provider's usage object. `before` is what an earlier event of the same stream said: Anthropic tells the
 * input in `message_start` and the final output in `message_delta`, others repeat cumulative figures.
 *
 * Anthropic's `input_tokens` excludes cache reads and writes (https://docs.anthropic.com/en/api/messages); OpenAI's
 * `prompt_tokens` and `input_tokens` include the cached ones (https://platform.openai.com/docs/api-reference). Of what
 * Anthropic wrote to a cache, `cache_creation` tells how much it keeps for an hour
 * (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
 */
export function usageOf(value: unknown, protocol: Protocol, before: Usage = NO_USAGE): Usage | undefined {
  if (!isObject(value)) return undefined
  return protocol === 'messages' ? anthropicUsage(value, before) : openaiUsage(value)
}

function anthropicUsage(usage: Json, before: Usage): Usage | undefined {
  const input = count(usage['input_tokens'])
  const output = count(usage['output_tokens'])
  if (input === undefined && output === undefined) return undefined
  const outputTokens = output ?? before.outputTokens
  const thinking = detail(usage['output_tokens_details'], 'thinking_tokens')
  const cacheWriteTokens = count(usage['cache_creation_input_tokens']) ?? before.cacheWriteTokens
  const forAnHour = detail(usage['cache_creation'], 'ephemeral_1h_input_tokens') ?? before.cacheWrite1hTokens ?? 0
  const cacheWrite1hTokens = Math.min(forAnHour, cacheWriteTokens)
  return {
    inputTokens: input ?? before.inputTokens,
    cacheReadTokens: count(usage['cache_read_input_tokens']) ?? before.cacheReadTokens,
    cacheWriteTokens,
    ...(cacheWrite1hTokens > 0 && { cacheWrite1hTokens }),
    outputTokens,
    reasoningTokens: Math.min(thinking ?? before.reasoningTokens, outputTokens),
  }
}

/** Chat and completions say prompt and completion, Responses say input and output; some pass-through endpoints only a total. */
function openaiUsage(usage: Json): Usage | undefined {
  const output = count(usage['completion_tokens']) ?? count(usage['output_tokens'])
  const total = count(usage['total_tokens'])
  const rest = total === undefined ? undefined : Math.max(0, total - (output ?? 0))
  const input = count(usage['prompt_tokens']) ?? count(usage['input_tokens']) ?? rest
  if (input === undefined && output === undefined) return undefined
  const inputDetails = usage['prompt_tokens_details'] ?? usage['input_tokens_details']
  const outputDetails = usage['completion_tokens_details'] ?? usage['output_tokens_details']
  const cached = Math.min(detail(inputDetails, 'cached_tokens') ?? 0, input ?? 0)
  const written = Math.min(detail(inputDetails, 'cache_write_tokens') ?? 0, (input ?? 0) - cached)
  return {
    inputTokens: (input ?? 0) - cached - written,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: output ?? 0,
    reasoningTokens: Math.min(detail(outputDetails, 'reasoning_tokens') ?? 0, output ?? 0),
  }
}

function detail(details: unknown, name: string): number | undefined {
  return isObject(details) ? count(details[name]) : undefined
}

/** A number of tokens, or undefined: null and absent mean the same, and nothing else is believed. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
