import { GatewayError } from '../domain/errors.ts'
import type { Key, KeyRecord, KeyUsage } from '../domain/key.ts'
import type { WindowState } from '../domain/window.ts'
import { type Account, createAccount } from './account.ts'
import { admit } from './admit.ts'
import { type Estimate, estimateOf } from './estimate.ts'
import { countedAmount, leavesAt, msUntilBelow, oldestCounted, REQUEST_WINDOW, TOKEN_WINDOW } from './rolling-window.ts'

/** A call that was let in. Exactly one of `settle` and `release` ends it. */
export interface Admission {
  readonly admittedAt: number
  readonly estimate: Estimate
  /** The call used this much; `outputTokens`, where they are known exactly, are what later estimates learn from. */
  settle(spend: number, outputTokens: number | undefined): void
  /** The call did not happen. */
  release(): void
}

export interface Limiter {
  /** Opens the account of a key that was read from the database just now. */
  load(key: KeyRecord): void
  /** Throws `window_exhausted`, `window_reserved` or `rate_limited`. */
  admit(key: KeyRecord, bodyBytes: number, maxTokens: number | undefined): Promise<Admission>
  window(key: KeyRecord): WindowState
  /** Tells of a spend of another process that is in the database now; keys that are not loaded will read it there. */
  adopt(keyId: string, admittedAt: number, tokens: number): void
  /** What a key has used, as far as this process knows: what `load` takes. */
  usage(key: KeyRecord): KeyUsage
}

export function createLimiter(waitMs: number, now: () => number): Limiter {
  const accounts = new Map<string, Account>()

  /** `key.usage` is what the database said when the key was loaded; from then on this process keeps the account. */
  const accountOf = (key: KeyRecord): Account => {
    let account = accounts.get(key.id)
    if (account === undefined) accounts.set(key.id, (account = createAccount(key.usage)))
    return account
  }

  const window = (key: KeyRecord): WindowState => {
    const account = accountOf(key)
    const at = now()
    const usedTokens = countedAmount(account.buckets, TOKEN_WINDOW, at)
    const oldest = oldestCounted(account.buckets, TOKEN_WINDOW, at)
    const isExhausted = key.tokenLimit !== null && usedTokens >= key.tokenLimit
    const lastsMs = isExhausted
      ? msUntilBelow(account.buckets, TOKEN_WINDOW, key.tokenLimit, at)
      : oldest
        ? leavesAt(oldest, TOKEN_WINDOW) - at
        : TOKEN_WINDOW.lengthMs
    return {
      usedTokens,
      startedAt: oldest?.start ?? at,
      endsAt: at + lastsMs,
      lifetimeTokens: account.lifetimeTokens,
      lastUsedAt: account.lastUsedAt,
    }
  }

  return {
    load: (key) => void accountOf(key),
    window,
    usage(key) {
      const { buckets, lifetimeTokens, lastUsedAt } = accountOf(key)
      return { minutes: buckets, lifetimeTokens, lastUsedAt }
    },
    adopt: (keyId, admittedAt, tokens) => accounts.get(keyId)?.spend(admittedAt, tokens, now()),
    async admit(key, bodyBytes, maxTokens) {
      const account = accountOf(key)
      const deadline = now() + waitMs
      for (;;) {
        const at = now()
        refuseTooManyRequests(key, account, at)
        const estimate = estimateOf(bodyBytes, maxTokens, account.learnt)
        const decision =
          key.tokenLimit === null
            ? ({ kind: 'admit' } as const)
            : admit(account.buckets, account.inFlight, estimate.upperTokens, key.tokenLimit, at)
        switch (decision.kind) {
          case 'admit':
            return admission(key, account, estimate, at, now)
          case 'refuse':
            throw exhausted(decision.usedTokens, key.tokenLimit ?? 0, window(key).endsAt, decision.retryAfterMs)
          case 'wait':
            if (at >= deadline) throw new GatewayError('window_reserved', { retryAfterMs: 1000 })
            await account.whenReleased(deadline - at)
        }
      }
    },
  }
}

function admission(key: Key, account: Account, estimate: Estimate, admittedAt: number, now: () => number): Admission {
  const countsRequests = key.rpm !== null
  if (countsRequests) account.countRequest(admittedAt, 1, admittedAt)
  account.reserve(estimate.upperTokens)
  return {
    admittedAt,
    estimate,
    settle(spend, outputTokens) {
      account.spend(admittedAt, spend, now())
      if (outputTokens !== undefined) account.learn({ outputTokens, spend })
      account.release(estimate.upperTokens)
    },
    release() {
      if (countsRequests) account.countRequest(admittedAt, -1, now())
      account.release(estimate.upperTokens)
    },
  }
}

function refuseTooManyRequests(key: Key, account: Account, now: number): void {
  if (key.rpm === null) return
  const requests = account.requests()
  if (countedAmount(requests, REQUEST_WINDOW, now) < key.rpm) return
  throw new GatewayError('rate_limited', { retryAfterMs: msUntilBelow(requests, REQUEST_WINDOW, key.rpm, now) })
}

/** The error object of system A, with its names. */
function exhausted(used: number, limit: number, endsAt: number, retryAfterMs: number): GatewayError {
  return new GatewayError('window_exhausted', {
    retryAfterMs,
    legacy: {
      message: 'Token limit exceeded for 5-hour window',
      type: 'rate_limit_exceeded',
      tokens_used: used,
      tokens_limit: limit,
      window_ends_at: new Date(endsAt).toISOString(),
    },
  })
}
