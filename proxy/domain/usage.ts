/** What one call consumed, in tokens. The kinds do not overlap, but reasoning is part of output. */
export interface Usage {
  /** Input that was neither read from nor written to a cache. */
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  /** The part of `cacheWriteTokens` that is kept for an hour, and costs more; left out where there is none. */
  readonly cacheWrite1hTokens?: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/** The tokens that count against a window. Cache reads count only where the operator says so: they cost a tenth. */
export function spendOf(usage: Usage, countsCacheReads: boolean): number {
  return (
    usage.inputTokens + usage.cacheWriteTokens + usage.outputTokens + (countsCacheReads ? usage.cacheReadTokens : 0)
  )
}

/** Tokenizers make about one token of four bytes of text; used only where an upstream's own count is not to be had. */
export const BYTES_PER_TOKEN = 4

/** What several exchanges consumed together. */
export function sumOfUsages(usages: readonly Usage[]): Usage {
  const [first = NO_USAGE, ...others] = usages
  return others.reduce(sumOfTwo, first)
}

function sumOfTwo(one: Usage, other: Usage): Usage {
  const cacheWrite1hTokens = (one.cacheWrite1hTokens ?? 0) + (other.cacheWrite1hTokens ?? 0)
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    ...(cacheWrite1hTokens > 0 && { cacheWrite1hTokens }),
    outputTokens: one.outputTokens + other.outputTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
  }
}
