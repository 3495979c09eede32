import { GatewayError } from '../domain/errors.ts'
import type { KeyRecord, KeyUsage } from '../domain/key.ts'
import type { KeyUnit } from '../domain/lease.ts'
import type { LimitStanding } from '../domain/limit-standing.ts'
import type { Price } from '../domain/price.ts'
import type { ServiceTier } from '../domain/service-tier.ts'
import type { Applied } from '../domain/store.ts'
import { type Tenant, tenantSubject } from '../domain/tenant.ts'
import { type Account, createAccount } from './account.ts'
import { type Estimate, estimateOf } from './estimate.ts'
import type { LeasedPot } from './leased-pot.ts'
import { type Limited, limitedTenant, upperCost } from './limits.ts'
import type { Pot, Verdict } from './pot.ts'
import { refusalOf, unpriced } from './refusal.ts'

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
  /** Opens the accounts of a key that was read from the store just now, and of its tenant. */
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

/** That is of keys, and not of tenants. */
const noRpm = (): null => null
/** Other replicas cannot tell us that they gave something back. */
const LOOK_AGAIN_MS = 250

export function createLimiter({ waitMs, now, leases, defaultRpm }: LimiterParts): Limiter {
  const accounts = new Map<string, Account>()
  const keep = leases && ((pot: LeasedPot): void => leases.keep(pot))

  /** `of.usage` is what the store said when it was loaded; from then on this process keeps the account. */
  const accountOf = (of: Limited, rpm = defaultRpm): Account => {
    let account = accounts.get(of.id)
    const [resetAt, before] = [of.resetAt ?? 0, account?.key.resetAt ?? 0]
    // What replicas share they ask for anew anyway; and what is in flight and leased is so after a reset as before.
    if (account === undefined || (leases === undefined && resetAt > before)) {
      account = createAccount(of, { now, keep, defaultRpm: rpm })
      accounts.set(of.id, account)
    }
    // A call whose body took long to come may bring a key from before the reset.
    if (resetAt >= before) account.key = of
    return account
  }
  const tenants = new WeakMap<Tenant, Limited>()
  const accountOfTenant = (key: KeyRecord): Account | undefined => {
    if (key.tenant === null) return undefined
    let limited = tenants.get(key.tenant)
    if (limited === undefined) tenants.set(key.tenant, (limited = limitedTenant(key.tenant, key)))
    return accountOf(limited, noRpm)
  }
  /** The accounts that a sum of the store is of, with what it is to each. */
  const movesOf = function* (applied: readonly Applied[]) {
    for (const { keyId, tenantId, minute, spend, costNanoUsd } of applied) {
      yield { account: accounts.get(keyId), minute, spent: { tokens: spend, costNanoUsd } }
      if (tenantId === undefined) continue
      yield { account: accounts.get(tenantSubject(tenantId)), minute, spent: { tokens: 0, costNanoUsd } }
    }
  }

  return {
    load(key) {
      accountOf(key)
      accountOfTenant(key)
    },
    usage: (key) => accountOf(key).usage(),
    standing(key) {
      const at = now()
      const account = accounts.get(key.id) ?? accountOf(key)
      return account
        .drawsOn()
        .map(([unit, pot, limit]) => ({ unit, limit, left: pot.left(at), endsAt: pot.endsAt(at) }))
    },
    adopt(applied) {
      for (const { account, spent, minute } of movesOf(applied)) account?.adopt(spent, minute)
    },
    committed(applied) {
      for (const { account, spent } of movesOf(applied)) account?.committed(spent)
    },
    wake() {
      for (const account of accounts.values()) account.wake()
    },
    async admit(key, call) {
      const [own, tenant] = [accountOf(key), accountOfTenant(key)]
      const both = tenant ? [own, tenant] : [own]
      const deadline = now() + waitMs
      for (;;) {
        const at = now()
        const estimate = estimateOf(call.bodyBytes, call.maxTokens, own.learning.of(call.model))
        const draws = drawsOf(both, estimate, call, at)
        const blocked = draws.find(({ verdict }) => verdict.kind !== 'admit')
        if (blocked === undefined) return admission(both, call, estimate, draws, at, now)
        const { unit, verdict, account } = blocked
        if (verdict.kind === 'refuse' || verdict.kind === 'unknown') {
          throw refusalOf(unit, account !== own, verdict, key, at)
        }
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
  readonly account: Account
  readonly unit: KeyUnit
  readonly pot: Pot
  readonly upper: number
  readonly verdict: Verdict
}

/** The first account is the key's. */
function drawsOf(accounts: readonly Account[], estimate: Estimate, call: CallSize, at: number): readonly Draw[] {
  return accounts.flatMap((account, place) =>
    account.drawsOn().map(([unit, pot]) => {
      const upper = upperOf(unit, estimate, call)
      if (upper === undefined) throw unpriced(call.model, place > 0)
      return { account, unit, pot, upper, verdict: pot.verdict(upper, at, call) }
    }),
  )
}

/** The most that a call can use of a unit; undefined where nobody knows what it costs. */
function upperOf(unit: KeyUnit, estimate: Estimate, { price, serviceTier }: CallSize): number | undefined {
  if (unit === 'requests') return 1
  return unit === 'tokens' ? estimate.inputUpper + estimate.outputUpper : upperCost(estimate, price, serviceTier)
}

function admission(
  accounts: readonly Account[],
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
      for (const [place, account] of accounts.entries()) {
        const drewOn = draws.flatMap((draw) => (draw.account === account ? [draw.unit] : []))
        // A tenant has no limit of tokens.
        account.spend({ tokens: place === 0 ? tokens : 0, costNanoUsd }, drewOn, admittedAt)
        if (place === 0 && outputTokens !== undefined)
          account.learning.learn(call.model, { outputTokens, spend: tokens })
        account.wake()
      }
    },
    release() {
      for (const { pot, upper } of draws) pot.release(upper, admittedAt, now())
      for (const account of accounts) account.wake()
    },
  }
}
