import type { KeyUsage } from '../domain/key.ts'
import { type KeyUnit, keyUnits } from '../domain/lease.ts'
import { createLearning, type Learning } from './learning.ts'
import { LeasedPot } from './leased-pot.ts'
import { createLocalPot, type LocalPot } from './local-pot.ts'
import { bucketsOf, type Limited, limitsOf } from './limits.ts'
import type { Pot } from './pot.ts'
import { bucketStart, countedAmount } from './rolling-window.ts'
import { spanOf, TOKEN_WINDOW } from './spans.ts'

interface Amounts {
  readonly tokens: number
  readonly costNanoUsd: number
}

/** What one key, or one tenant, has used and is using, as far as this process keeps it. */
export interface Account {
  /** Whose it is, as that was read last: limits change while calls are in flight. */
  key: Limited
  readonly learning: Learning
  /** What a call draws on: everything that is limited now. */
  drawsOn(): readonly (readonly [unit: KeyUnit, pot: Pot, limit: number])[]
  /** A call has ended. What it did not draw on is counted too: a limit may be set tomorrow. */
  spend(spent: Amounts, drewOn: readonly KeyUnit[], admittedAt: number): void
  /** A spend of another process is in the store now. */
  adopt(spent: Amounts, at: number): void
  /** Spends of this process are in the store now. */
  committed(spent: Amounts): void
  usage(): KeyUsage
  /** Whoever waits looks again. */
  wake(): void
  /** Resolves when something has changed, or `timeoutMs` have passed. */
  whenChanged(timeoutMs: number): Promise<void>
}

interface AccountParts {
  readonly now: () => number
  /** It is there where replicas share the limits, and sees to the leases of a pot. */
  readonly keep: ((pot: LeasedPot) => void) | undefined
  /** Requests in a minute, where the key does not say how many. */
  readonly defaultRpm: () => number | null
}

export function createAccount(key: Limited, { keep, ...parts }: AccountParts): Account {
  return keep ? sharedAccount(key, { ...parts, keep }) : localAccount(key, parts)
}

function localAccount(first: Limited, { now, defaultRpm }: Omit<AccountParts, 'keep'>): Account {
  let { lifetimeTokens, lastUsedAt } = first.usage
  const pots = new Map<KeyUnit, LocalPot>()
  const potOf = (unit: KeyUnit): LocalPot => {
    let pot = pots.get(unit)
    if (pot === undefined) {
      pot = createLocalPot({
        span: () => spanOf(unit, account.key.budgetIsCalendar),
        limit: () => limitOf(account.key, unit, defaultRpm()),
        buckets: bucketsOf(first.usage, unit),
        countsAtOnce: unit === 'requests',
      })
      pots.set(unit, pot)
    }
    return pot
  }
  const count = (spent: Amounts, without: readonly KeyUnit[], at: number): void => {
    lifetimeTokens += spent.tokens
    for (const unit of keyUnits) {
      const amount = amountOf(spent, unit)
      if (amount !== 0 && !without.includes(unit)) potOf(unit).add(at, amount, now())
    }
  }
  const account: Account = {
    key: first,
    learning: createLearning(),
    ...createWaiting(),
    drawsOn: createDraws(() => account.key, defaultRpm, potOf),
    spend(spent, drewOn, admittedAt) {
      lastUsedAt = Math.max(lastUsedAt ?? 0, admittedAt)
      count(spent, drewOn, admittedAt)
    },
    adopt: (spent, at) => count(spent, [], at),
    committed: () => undefined,
    usage: () => ({
      lifetimeTokens,
      lastUsedAt,
      minutes: potOf('tokens').buckets(),
      costMinutes: potOf('usd_5h').buckets(),
      costHours: potOf('usd_month').buckets(),
    }),
  }
  return account
}

function sharedAccount(
  first: Limited,
  { now, keep, defaultRpm }: AccountParts & { readonly keep: (pot: LeasedPot) => void },
): Account {
  let { lifetimeTokens, lastUsedAt } = first.usage
  const pots = new Map<KeyUnit, LeasedPot>()
  const potOf = (unit: KeyUnit): LeasedPot => {
    let pot = pots.get(unit)
    if (pot === undefined) {
      pot = new LeasedPot({
        subject: first.id,
        unit,
        span: () => spanOf(unit, account.key.budgetIsCalendar),
        limit: () => limitOf(account.key, unit, defaultRpm()),
        countsAtOnce: unit === 'requests',
        isInLedger: unit !== 'requests',
        before: {
          used: countedAmount(bucketsOf(first.usage, unit), spanOf(unit, first.budgetIsCalendar), now()),
          replicas: first.usage.replicas ?? 1,
        },
      })
      pots.set(unit, pot)
    }
    return pot
  }
  const drawsOn = createDraws(() => account.key, defaultRpm, potOf)
  const account: Account = {
    key: first,
    learning: createLearning(),
    ...createWaiting(),
    drawsOn() {
      const draws = drawsOn()
      for (const [, pot] of draws) keep(pot)
      return draws
    },
    spend({ tokens }, _drewOn, admittedAt) {
      lifetimeTokens += tokens
      lastUsedAt = Math.max(lastUsedAt ?? 0, admittedAt)
    },
    adopt: () => undefined, // the store says what is used
    committed(spent) {
      for (const unit of keyUnits) {
        pots.get(unit)?.committed(amountOf(spent, unit))
      }
    },
    usage() {
      const usage = { ...first.usage, lifetimeTokens, lastUsedAt }
      const known = pots.get('tokens')?.known()
      if (known === undefined) return usage
      // Others have spent, too: when is theirs to tell, and in the meantime it counts as of now.
      return {
        ...usage,
        replicas: known.replicas,
        minutes: [{ start: bucketStart(now(), TOKEN_WINDOW), amount: known.used }],
      }
    },
  }
  return account
}

/** Made anew only when the key or what holds for all of them has changed: every call asks. */
function createDraws<P extends Pot>(
  keyOf: () => Limited,
  defaultRpm: () => number | null,
  potOf: (unit: KeyUnit) => P,
): () => readonly (readonly [KeyUnit, P, number])[] {
  let of: Limited | undefined
  let rpm: number | null = null
  let draws: readonly (readonly [KeyUnit, P, number])[] = []
  return () => {
    const key = keyOf()
    const orElse = defaultRpm()
    if (of !== key || rpm !== orElse) {
      draws = limitsOf(key, orElse).map(([unit, limit]) => [unit, potOf(unit), limit])
    }
    of = key
    rpm = orElse
    return draws
  }
}

/** Of a unit in which calls are counted when they have ended. */
function amountOf({ tokens, costNanoUsd }: Amounts, unit: KeyUnit): number {
  if (unit === 'requests') return 0
  return unit === 'tokens' ? tokens : costNanoUsd
}

function limitOf(key: Limited, unit: KeyUnit, defaultRpm: number | null): number {
  return limitsOf(key, defaultRpm).find(([limited]) => limited === unit)?.[1] ?? Infinity
}

function createWaiting(): Pick<Account, 'wake' | 'whenChanged'> {
  let waiting: (() => void)[] = []
  return {
    wake() {
      // All of them, in order: each looks again whether it fits now, and queues again if not.
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    whenChanged(timeoutMs) {
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
