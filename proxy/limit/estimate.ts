import { BYTES_PER_TOKEN } from '../domain/usage.ts'

/** What the recent calls of a key used, in output tokens. */
export interface Learnt {
  readonly meanOutputTokens: number
  /** The largest, fading by a hundredth with each call, so that one long answer is not remembered for ever. */
  readonly peakOutputTokens: number
}

export const NOTHING_LEARNT: Learnt = { meanOutputTokens: 256, peakOutputTokens: 2048 }

const MEMORY = 0.1
const FADING = 0.99
/** A call without a bound of its own is taken to stay below this multiple of the largest recent one. */
const HEADROOM = 2

export function learn(learnt: Learnt, outputTokens: number): Learnt {
  return {
    meanOutputTokens: learnt.meanOutputTokens * (1 - MEMORY) + outputTokens * MEMORY,
    peakOutputTokens: Math.max(outputTokens, learnt.peakOutputTokens * FADING),
  }
}

export interface Estimate {
  readonly inputTokens: number
  readonly outputTokens: number
  /** No tokenizer makes more than one token of a byte, and `max_tokens` binds the upstream. */
  readonly upperTokens: number
}

export function estimateOf(bodyBytes: number, maxTokens: number | undefined, learnt: Learnt): Estimate {
  const expected = Math.ceil(learnt.meanOutputTokens)
  return {
    inputTokens: Math.ceil(bodyBytes / BYTES_PER_TOKEN),
    outputTokens: Math.min(expected, maxTokens ?? expected),
    upperTokens: bodyBytes + (maxTokens ?? Math.ceil(learnt.peakOutputTokens * HEADROOM)),
  }
}
