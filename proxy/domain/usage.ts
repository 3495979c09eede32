/** What one call consumed, in tokens. The kinds do not overlap, but reasoning is part of output. */
export interface Usage {
  /** Input that was neither read from nor written to a cache. */
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
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
