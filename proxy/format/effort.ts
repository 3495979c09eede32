/** OpenAI's words (https://platform.openai.com/docs/guides/reasoning); Anthropic's are the last five. */
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

export type Effort = (typeof efforts)[number]

export function effortOf(word: string | undefined): Effort | undefined {
  return efforts.find((effort) => effort === word)
}

/**
 * What an effort is worth in tokens of thinking. No provider tells: about a quarter, a half and the whole of what their
 * own examples use, doubled above.
 */
const budgets = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
} as const satisfies Record<Exclude<Effort, 'none'>, number>

export function budgetOf(effort: Exclude<Effort, 'none'>): number {
  return budgets[effort]
}

/** Never more than `high`: not every model that reasons knows the words above it. */
export function effortOfBudget(budgetTokens: number): Effort {
  if (budgetTokens >= budgets.high) return 'high'
  return budgetTokens > budgets.low * 2 ? 'medium' : 'low'
}
