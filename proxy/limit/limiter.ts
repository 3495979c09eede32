import { GatewayError } from '../domain/errors.ts'
import type { KeyRecord, KeyUsage } from '../domain/key.ts'
import type { KeyUnit } from '../domain/lease.ts'
import type { LimitStanding } from '../domain/limit-standing.ts'
import type { Price } from '../domain/price.ts'
import type { ServiceTier } from '../domain/service-tier.ts'
import type { Applied } from '../domain/store.ts'
import { type Account, createAccount } from './account.ts'
import { type Estimate, estimateOf } from './estimate.ts'
import type { LeasedPot } from './leased-pot.ts'
import { upperCost } from './limits.ts'
import type { Pot, Verdict } from './pot.ts'
import { refusalOf } from './refusal.ts'

/** What is known of a call before it is sent. */
interface CallSize {
  readonly bodyBytes: number
  readonly maxTokens: number | undefined
  readonly model: string | undefined
  /** Undefined for a model without a price. */
  readonly price: Price | undefined
  readonly serviceTier: ServiceTier
}

/** How much a call has used. */
export interface Spent {
  readonly tokens: number
  readonly costNanoUsd: number
  /** Known exactly, and so what later estimates learn from. */
  readonly outputTokens: number | undefined
}

/** A call that was let in. Exactly one of `settle` and `release` ends it. */
export interface Admission {
  readonly admittedAt: number
  readonly estimate: Estimate
  settle(spent: Spent): void
  /** The call did not happen. */
  release(): void
}

export interface LimiterParts {
  /** Requests in a minute, of keys that do not say how many; it may change at any time. */
  readonly defaultRpm: () => number | null
  /** How long a call waits for calls in flight, or other replicas, to give back what they do not need. */
  readonly waitMs: number
  readonly now: () => number
  /** Where replicas share the limits: sees to the leases of a pot, and hurries when a call waits for one. */
  readonly leases: { keep(pot: LeasedPot): void; hurry(): void } | undefined
}

export interface Limiter {
  /** Opens the account of a key that was read from the store just now. */
  load(key: KeyRecord): void
  /** Throws `window_exhausted`, `window_reserved`, `rate_limited`, `budget_exhausted` or `model_unpriced`. */
  admit(key: KeyRecord, call: CallSize): Promise<Admission>
  /** What is left of each limit of a key, for the headers of an answer. */
  standing(key: KeyRecord): readonly LimitStanding[]
  /** What a key has used, as far as this process knows. */
  usage(key: KeyRecord): KeyUsage
  /** Tells of spends of another, dead process that are in the store now. */
  adopt(applied: readonly Applied[]): void
  /** Tells of spends of this process that are in the store now. */
  committed(applied: readonly Applied[]): void
  /** Leases have come: whoever waits looks again. */
  wake(): void
}

/** Other replicas cannot tell us that they gave something back. */
const LOOK_AGAIN_MS = 250

export function createLimiter({ waitMs, now, leases, defaultRpm }: LimiterParts): Limiter {
  const accounts = new Map<string, Account>()
  const keep = leases && ((pot: LeasedPot): void => leases.keep(pot))

  /** `key.usage` is what the store said when the key was loaded; from then on this process keeps the account. */
  const accountOf = (key: KeyRecord): Account => {
    let account = accounts.get(key.id)
    const [resetAt, before] = [key.resetAt ?? 0, account?.key.resetAt ?? 0]
    // What replicas share they ask for anew anyway; and what is in flight and leased is so after a reset as before.
    if (account === undefined || (leases === undefined && resetAt > before)) {
      account = createAccount(key, { now, keep, defaultRpm })
      accounts.set(key.id, account)
    }
    // A call whose body took long to come may bring a key from before the reset.
    if (resetAt >= before) account.key = key
    return account
  }

  return {
    load: (key) => void accountOf(key),
    usage: (key) => accountOf(key).usage(),
    standing(key) {
      const at = now()
      const account = accounts.get(key.id) ?? accountOf(key)
      return account
        .drawsOn()
        .map(([unit, pot, limit]) => ({ unit, limit, left: pot.left(at), endsAt: pot.endsAt(at) }))
    },
    adopt(applied) {
      for (const { keyId, minute, spend, costNanoUsd } of applied) {
        accounts.get(keyId)?.adopt({ tokens: spend, costNanoUsd }, minute)
      }
    },
    committed(applied) {
      for (const { keyId, spend, costNanoUsd } of applied) {
        accounts.get(keyId)?.committed({ tokens: spend, costNanoUsd })
      }
    },
    wake() {
      for (const account of accounts.values()) account.wake()
    },
    async admit(key, call) {
      const account = accountOf(key)
      const deadline = now() + waitMs
      for (;;) {
        const at = now()
        const estimate = estimateOf(call.bodyBytes, call.maxTokens, account.learning.of(call.model))
        const draws = account.drawsOn().map(([unit, pot]) => drawOf(unit, pot, estimate, call, at))
        const blocked = draws.find(({ verdict }) => verdict.kind !== 'admit')
        if (blocked === undefined) return admission(account, call, estimate, draws, at, now)
        const { unit, verdict } = blocked
        if (verdict.kind === 'refuse' || verdict.kind === 'unknown') throw refusalOf(unit, verdict, key, at)
        if (at >= deadline) {
          throw new GatewayError(unit === 'requests' ? 'rate_limited' : 'window_reserved', { retryAfterMs: 1000 })
        }
        leases?.hurry()
        await account.whenChanged(Math.min(deadline - at, leases ? LOOK_AGAIN_MS : deadline - at))
      }
    },
  }
}

interface Draw {
  readonly unit: KeyUnit
  readonly pot: Pot
  readonly upper: number
  readonly verdict: Verdict
}

function drawOf(unit: KeyUnit, pot: Pot, estimate: Estimate, call: CallSize, at: number): Draw {
  const upper = upperOf(unit, estimate, call)
  return { unit, pot, upper, verdict: pot.verdict(upper, at, call) }
}

/** The most that a call can use of a unit. */
function upperOf(unit: KeyUnit, estimate: Estimate, { price, model, serviceTier }: CallSize): number {
  if (unit === 'requests') return 1
  if (unit === 'tokens') return estimate.inputUpper + estimate.outputUpper
  const cost = upperCost(estimate, price, serviceTier)
  if (cost !== undefined) return cost
  const message = `This key has a budget in money, and ${model ?? 'the model'} has no price; an administrator can set one with tollgate prices set.`
  throw new GatewayError('model_unpriced', { message })
}

function admission(
  account: Account,
  call: CallSize,
  estimate: Estimate,
  draws: readonly Draw[],
  admittedAt: number,
  now: () => number,
): Admission {
  for (const { pot, upper } of draws) pot.reserve(upper, admittedAt)
  return {
    admittedAt,
    estimate,
    settle({ tokens, costNanoUsd, outputTokens }) {
      const at = now()
      for (const { unit, pot, upper } of draws)
        pot.settle(upper, unit === 'tokens' ? tokens : costNanoUsd, admittedAt, at)
      const drewOn = draws.map(({ unit }) => unit)
      account.spend({ tokens, costNanoUsd }, drewOn, admittedAt)
      if (outputTokens !== undefined) account.learning.learn(call.model, { outputTokens, spend: tokens })
      account.wake()
    },
    release() {
      for (const { pot, upper } of draws) pot.release(upper, admittedAt, now())
      account.wake()
    },
  }
}
