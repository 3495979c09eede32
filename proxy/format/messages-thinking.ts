import { budgetOf } from './effort.ts'
import type { Json } from './json.ts'
import type { Field } from './losses.ts'
import type { Turn } from './turn.ts'

/** From here on a model decides itself how much it thinks and is told an effort; before, it is given a budget. */
const ADAPTIVE = 406
const MIN_BUDGET_TOKENS = 1024

/**
 * `thinking` and `output_config.effort` of a request. Thinking does not go with a tool that must be called
 * (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
 */
export function messagesThinking(
  turn: Turn,
  version: number | undefined,
  maxTokens: number,
  lose: (field: Field) => void,
): { readonly thinking: Json | undefined; readonly effort: string | undefined } {
  const { reasoning, toolChoice } = turn
  if (reasoning === undefined) return { thinking: undefined, effort: undefined }
  if (reasoning.effort === 'none') return { thinking: { type: 'disabled' }, effort: undefined }
  const isForced = toolChoice?.kind === 'required' || toolChoice?.kind === 'tool'

  if (version !== undefined && version >= ADAPTIVE) {
    const effort = reasoning.effort === 'minimal' ? 'low' : reasoning.effort
    const display = reasoning.isSummarized ? { display: 'summarized' } : {}
    return { thinking: isForced ? undefined : { type: 'adaptive', ...display }, effort }
  }
  const wanted = reasoning.budgetTokens ?? budgetOf(reasoning.effort ?? 'medium')
  const budgetTokens = Math.min(wanted, Math.floor(maxTokens / 2)) // the other half is for the answer
  if (isForced || budgetTokens < MIN_BUDGET_TOKENS || (version !== undefined && hasLostThoughts(turn))) {
    lose('reasoning')
    return { thinking: undefined, effort: undefined }
  }
  return { thinking: { type: 'enabled', budget_tokens: budgetTokens }, effort: undefined }
}

/** A Claude with a budget goes on after a tool call only if it gets the thoughts back that led to it. */
function hasLostThoughts({ messages }: Turn): boolean {
  const last = messages.findLastIndex(({ role }) => role === 'assistant')
  const message = messages[last]
  if (message?.role !== 'assistant' || !message.parts.some(({ kind }) => kind === 'call')) return false
  const before = messages.slice(0, last).findLastIndex(({ role }) => role !== 'assistant')
  const own = messages.slice(before + 1)
  return !own.some(({ parts }) => parts.some((part) => part.kind === 'thinking' && part.seal?.by === 'messages'))
}
