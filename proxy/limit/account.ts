import type { KeyUsage } from '../domain/key.ts'
import type { InFlight } from './admit.ts'
import { learn, type Learnt, NOTHING_LEARNT } from './estimate.ts'
import { type Bucket, REQUEST_WINDOW, TOKEN_WINDOW, withSpend } from './rolling-window.ts'

/** What one key has used and is using, in memory: as loaded from the database, and every spend of this process since. */
export interface Account {
  readonly buckets: readonly Bucket[]
  readonly inFlight: InFlight
  readonly learnt: Learnt
  readonly lifetimeTokens: number
  readonly lastUsedAt: number | null
  countRequest(admittedAt: number, requests: 1 | -1, now: number): void
  requests(): readonly Bucket[]
  reserve(upperTokens: number): void
  release(upperTokens: number): void
  spend(admittedAt: number, tokens: number, now: number): void
  learn(call: { readonly outputTokens: number; readonly spend: number }): void
  /** Resolves when a call of this key has ended or `timeoutMs` have passed. */
  whenReleased(timeoutMs: number): Promise<void>
}

export function createAccount(usage: KeyUsage): Account {
  let buckets: readonly Bucket[] = usage.minutes
  let requests: readonly Bucket[] = []
  let inFlight: InFlight = { calls: 0, upperTokens: 0 }
  let learnt = NOTHING_LEARNT
  let { lifetimeTokens, lastUsedAt } = usage
  let waiting: (() => void)[] = []

  return {
    get buckets() {
      return buckets
    },
    get inFlight() {
      return inFlight
    },
    get learnt() {
      return learnt
    },
    get lifetimeTokens() {
      return lifetimeTokens
    },
    get lastUsedAt() {
      return lastUsedAt
    },
    requests: () => requests,
    countRequest(admittedAt, count, now) {
      requests = withSpend(requests, REQUEST_WINDOW, admittedAt, count, now)
    },
    reserve(upperTokens) {
      inFlight = { calls: inFlight.calls + 1, upperTokens: inFlight.upperTokens + upperTokens }
    },
    release(upperTokens) {
      inFlight = { calls: inFlight.calls - 1, upperTokens: inFlight.upperTokens - upperTokens }
      // All of them, in order: each looks again whether it fits now, and queues again if not.
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    spend(admittedAt, tokens, now) {
      buckets = withSpend(buckets, TOKEN_WINDOW, admittedAt, tokens, now)
      lifetimeTokens += tokens
      lastUsedAt = Math.max(lastUsedAt ?? 0, admittedAt)
    },
    learn(call) {
      learnt = learn(learnt, call)
    },
    whenReleased(timeoutMs) {
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(() => {
          waiting = waiting.filter((other) => other !== wake)
          resolve()
        }, timeoutMs)
        waiting.push(wake)
      })
    },
  }
}
