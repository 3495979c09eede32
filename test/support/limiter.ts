import type { KeyRecord } from '../../proxy/domain/key.ts'
import type { Admission, Limiter, Spent } from '../../proxy/limit/limiter.ts'

/** Asks for a call of so many bytes and tokens at most. */
export function admit(limiter: Limiter, key: KeyRecord, bodyBytes: number, maxTokens?: number): Promise<Admission> {
  return limiter.admit(key, { bodyBytes, maxTokens, model: 'a-model', price: undefined, serviceTier: 'standard' })
}

export function spent(tokens: number, outputTokens?: number): Spent {
  return { tokens, costNanoUsd: 0, outputTokens }
}
