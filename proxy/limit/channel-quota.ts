import type { ChannelQuota } from '../domain/channel.ts'
import type { Span } from '../domain/lease.ts'
import type { Applied } from '../domain/store.ts'
import type { ChannelGateParts } from './channel-gate.ts'
import { type ChannelLine, createChannelLine } from './channel-line.ts'
import { type KnownUse, LeasedPot } from './leased-pot.ts'
import { createLocalPot, type LocalPot } from './local-pot.ts'

/** One period of a channel's quota. */
export interface QuotaPeriod {
  readonly channelId: string
  /** When it began: with it every period is counted apart. */
  readonly since: number
  readonly unit: ChannelQuota['unit']
  readonly limit: number
}

/** What the ledger says of a call that has ended. */
interface Ended {
  readonly httpStatus: number
  readonly costNanoUsd: number | null
}

/** A call's part of a quota. Exactly one of `settle` and `release` ends it. */
export interface QuotaDraw {
  /** What its entry counts to. */
  readonly subject: string
  settle(ended: Ended): void
  /** The call was not served. What its attempts have cost, in nano-USD, is spent all the same. */
  release(costNanoUsd?: number): void
}

/**
 * `spent`: nothing is left before the reset. `held`: calls in flight, or other replicas, hold what is left. `away`: the
 * store that shares it is, and what may be used without it is used.
 */
export type QuotaRefusal = 'spent' | 'held' | 'away'

/** The quotas of channels, as far as this process draws on them. */
export interface QuotaPots {
  /** Takes what a call can use at most; it waits a moment for what others may give back. */
  draw(period: QuotaPeriod, upper: number, deadlineAt: number, gone?: AbortSignal): Promise<QuotaDraw | QuotaRefusal>
  /** Whether it was found spent a moment ago. */
  isSpent(period: QuotaPeriod): boolean
  /** Those of the periods of which this process does not know what was used before it began. */
  unknown(periods: readonly QuotaPeriod[]): readonly QuotaPeriod[]
  /** Begins to count a period that this process does not know, after what was used of it before. */
  open(period: QuotaPeriod, before: KnownUse): void
  /** Tells of spends of this process that are in the store now. */
  committed(applied: readonly Applied[]): void
  /** Tells of spends of another, dead process that are in the store now. */
  adopt(applied: readonly Applied[]): void
  /** Leases have come: who waits looks again. */
  wake(): void
}

const DAY_MS = 86_400_000
/** Its buckets are of one period: all of them count. */
const EVER: Span = { bucketMs: DAY_MS, lengthMs: 100 * 366 * DAY_MS }
const span = (): Span => EVER
/** Then the call had better go to another channel. */
const PATIENCE_MS = 500
/** How long a quota that was found spent is believed to be: a correction of the ledger may give some of it back. */
const BELIEVED_MS = 10_000

const UNUSED: KnownUse = { used: 0, replicas: 1 }

/** One period in one unit. */
interface Account {
  readonly period: QuotaPeriod
  limit: number
  readonly pot: LeasedPot | LocalPot
  readonly line: ChannelLine<'in' | QuotaRefusal>
  /** Calls in flight, and those that have ended and are not in the store. */
  open: number
  spentUntil: number
}

export function quotaSubject({ channelId, since }: Pick<QuotaPeriod, 'channelId' | 'since'>): string {
  return `channel:${channelId}:${since}`
}

export function createQuotaPots({ now, leases }: ChannelGateParts): QuotaPots {
  const accounts = new Map<string, Account>()

  /** Of an older period of the channel what is done with is forgotten. */
  const accountOf = (period: QuotaPeriod, before = UNUSED): Account => {
    const name = nameOf(quotaSubject(period), period.unit)
    let account = accounts.get(name)
    if (account === undefined) {
      for (const [other, { period: its, open }] of accounts) {
        if (its.channelId === period.channelId && open === 0) accounts.delete(other)
      }
      const limit = (): number => accounts.get(name)?.limit ?? period.limit
      const pot = leases ? leasedPot(period, limit, before) : localPot(limit, before.used, now())
      const line = createChannelLine({
        now,
        take: (upper) => take(pot, upper),
        endsAt: (at) => pot.endsAt(at),
        hurry: () => leases?.hurry(),
      })
      accounts.set(name, (account = { period, limit: period.limit, pot, line, open: 0, spentUntil: -Infinity }))
    }
    return account
  }
  const take = (pot: LeasedPot | LocalPot, upper: number): 'in' | QuotaRefusal | undefined => {
    const at = now()
    if (pot instanceof LeasedPot) leases?.keep(pot)
    const { kind } = pot.verdict(upper, at, pot) // only who is first asks
    if (kind === 'admit') pot.reserve(upper, at)
    return ({ admit: 'in', refuse: 'spent', unknown: 'away', wait: undefined } as const)[kind]
  }

  return {
    async draw(period, upper, deadlineAt, gone) {
      const account = accountOf(period)
      const { pot, line } = account
      account.limit = period.limit
      account.open += 1
      const answer = await line.enter(upper, Math.min(now() + PATIENCE_MS, deadlineAt), gone)
      const admittedAt = now()
      if (answer !== 'in') {
        account.open -= 1
        if (answer === 'spent') account.spentUntil = admittedAt + BELIEVED_MS
        return answer ?? 'held'
      }
      return {
        subject: quotaSubject(period),
        settle(ended) {
          pot.settle(upper, amountOf(period.unit, ended), admittedAt, now())
          line.wake()
        },
        release(costNanoUsd = 0) {
          account.open -= 1
          pot.settle(upper, period.unit === 'credit' ? costNanoUsd : 0, admittedAt, now())
          line.wake()
        },
      }
    },
    isSpent(period) {
      const account = accounts.get(nameOf(quotaSubject(period), period.unit))
      return account !== undefined && account.spentUntil > now() && account.limit >= period.limit
    },
    unknown(periods) {
      if (leases !== undefined) return [] // the store tells it with the first lease
      const isKnown = (period: QuotaPeriod) => accounts.has(nameOf(quotaSubject(period), period.unit))
      return periods.filter((period) => !isKnown(period))
    },
    open: (period, before) => void accountOf(period, before),
    committed(applied) {
      for (const { account, amount, entries } of movesOf(applied, accounts)) {
        account.open = Math.max(0, account.open - entries)
        if (account.pot instanceof LeasedPot) account.pot.committed(amount)
      }
    },
    adopt(applied) {
      for (const { account, amount, minute } of movesOf(applied, accounts)) {
        if (!(account.pot instanceof LeasedPot)) account.pot.add(minute, amount, now())
      }
    },
    wake() {
      for (const { line } of accounts.values()) line.wake()
    },
  }
}

function localPot(limit: () => number, used: number, now: number): LocalPot {
  return createLocalPot({ span, limit, buckets: [{ start: now, amount: used }], countsAtOnce: false })
}

function leasedPot(period: QuotaPeriod, limit: () => number, before: KnownUse): LeasedPot {
  const subject = quotaSubject(period)
  const unit = `quota_${period.unit}` as const
  return new LeasedPot({ subject, unit, span, limit, countsAtOnce: false, isInLedger: true, before })
}

function nameOf(subject: string, unit: ChannelQuota['unit']): string {
  return `${subject} ${unit}`
}

/** As the ledger's statement counts it. */
function amountOf(unit: ChannelQuota['unit'], { httpStatus, costNanoUsd }: Ended): number {
  if (unit === 'credit') return costNanoUsd ?? 0
  return httpStatus < 300 || httpStatus === 400 ? 1 : 0
}

function* movesOf(applied: readonly Applied[], accounts: ReadonlyMap<string, Account>) {
  for (const { quota, minute, entries } of applied) {
    if (quota === undefined) continue
    for (const unit of ['requests', 'credit'] as const) {
      const account = accounts.get(nameOf(quota.subject, unit))
      if (account) yield { account, minute, entries, amount: unit === 'requests' ? quota.requests : quota.costNanoUsd }
    }
  }
}
