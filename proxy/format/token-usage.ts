import { NO_USAGE, type Usage } from '../domain/usage.ts'
import { isObject, type Json, numberOf, objectOf } from './json.ts'

/**
 * Anthropic's `input_tokens` excludes what was read from and written to a cache
 * (https://docs.claude.com/en/api/messages); `before` is what an earlier event of the same stream said.
 */
export function readMessagesUsage(value: unknown, before: Usage | undefined): Usage | undefined {
  if (!isObject(value)) return before
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = before ?? NO_USAGE
  return {
    inputTokens: numberOf(value['input_tokens']) ?? inputTokens,
    cacheReadTokens: numberOf(value['cache_read_input_tokens']) ?? cacheReadTokens,
    cacheWriteTokens: numberOf(value['cache_creation_input_tokens']) ?? cacheWriteTokens,
    outputTokens: numberOf(value['output_tokens']) ?? outputTokens,
    reasoningTokens: numberOf(objectOf(value['output_tokens_details'])['thinking_tokens']) ?? reasoningTokens,
  }
}

export function writeMessagesUsage(usage: Usage = NO_USAGE): Json {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: usage.outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    server_tool_use: null,
  }
}

/** OpenAI's two formats call the two sides differently; both include the cached tokens in the input. */
type Sides = readonly [input: 'prompt' | 'input', output: 'completion' | 'output']
export const CHAT_SIDES: Sides = ['prompt', 'completion']
export const RESPONSES_SIDES: Sides = ['input', 'output']

export function readOpenaiUsage(value: unknown, [input, output]: Sides): Usage | undefined {
  if (!isObject(value)) return undefined
  const all = numberOf(value[`${input}_tokens`]) ?? 0
  const details = objectOf(value[`${input}_tokens_details`])
  const cacheReadTokens = Math.min(numberOf(details['cached_tokens']) ?? 0, all)
  const cacheWriteTokens = Math.min(numberOf(details['cache_write_tokens']) ?? 0, all - cacheReadTokens)
  const outputTokens = numberOf(value[`${output}_tokens`]) ?? 0
  const reasoning = numberOf(objectOf(value[`${output}_tokens_details`])['reasoning_tokens']) ?? 0
  return {
    inputTokens: all - cacheReadTokens - cacheWriteTokens,
    cacheReadTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  }
}

export function writeOpenaiUsage(usage: Usage, [input, output]: Sides): Json {
  const all = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  return {
    [`${input}_tokens`]: all,
    [`${input}_tokens_details`]: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    [`${output}_tokens`]: usage.outputTokens,
    [`${output}_tokens_details`]: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: all + usage.outputTokens,
  }
}
