import { BYTES_PER_TOKEN } from '../domain/usage.ts'

/** What the recent calls of a key used. */
export interface Learnt {
  readonly meanOutputTokens: number
  /** The largest spend of one call, fading by a hundredth with each, so that one long answer is not remembered for ever. */
  readonly peakTokens: number
}

export const NOTHING_LEARNT: Learnt = { meanOutputTokens: 256, peakTokens: 16_384 }

const MEMORY = 0.1
const FADING = 0.99
/** A call that nothing in its body bounds is taken to stay below this multiple of the largest recent one. */
const HEADROOM = 2

export function learn(learnt: Learnt, call: { readonly outputTokens: number; readonly spend: number }): Learnt {
  return {
    meanOutputTokens: learnt.meanOutputTokens * (1 - MEMORY) + call.outputTokens * MEMORY,
    peakTokens: Math.max(call.spend, learnt.peakTokens * FADING),
  }
}

export interface Estimate {
  readonly inputTokens: number
  readonly outputTokens: number
  /** No tokenizer makes more than one token of a byte. */
  readonly inputUpper: number
  /** `max_tokens` binds the upstream; without one it is a guess. */
  readonly outputUpper: number
}

export function estimateOf(bodyBytes: number, maxTokens: number | undefined, learnt: Learnt): Estimate {
  const expected = Math.ceil(learnt.meanOutputTokens)
  return {
    inputTokens: Math.ceil(bodyBytes / BYTES_PER_TOKEN),
    outputTokens: Math.min(expected, maxTokens ?? expected),
    inputUpper: bodyBytes,
    outputUpper: maxTokens ?? Math.ceil(learnt.peakTokens * HEADROOM),
  }
}
