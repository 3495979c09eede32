import type { LeaseAsk, LeaseGrant, Span, Unit } from '../domain/lease.ts'
import type { Pot, Verdict } from './pot.ts'
import { bucketStart } from './rolling-window.ts'

/** Shorter than the store keeps a lease whose holder is not heard of: what is held must be over before. */
const HELD_MS = 4000
/** What was seen of a spent limit is believed for so long, so that an administrator's change is noticed soon. */
const BELIEVED_MS = 1000
/** A key that nobody has called for so long gives its lease back. */
const IDLE_MS = 10_000
/** Far from its limit a call need not wait for a lease: all replicas together stay within a hundredth of what is left. */
const CREDIT_SHARE = 0.01
/** All replicas together hold at most this share of what is left beyond what their calls need. */
const SPARE_SHARE = 0.25
/** How many seconds of spending a lease is to last. */
const SPARE_SECONDS = 2
const FADING = 0.99
/** After an outage every replica asks once within so long, and so tells what it has spent meanwhile. */
const SETTLING_MS = 2000

export interface LeasedPotSettings {
  readonly subject: string
  readonly unit: Unit
  readonly span: () => Span
  /** Infinity where there is none any more. */
  readonly limit: () => number
  /** Counts when a call is admitted, and not when it ends: requests, and not what they use. */
  readonly countsAtOnce: boolean
  /** Whether entries of the ledger bring what is spent into the store; else it is told with each ask. */
  readonly isInLedger: boolean
  /** What was known of it before the store was asked. */
  readonly before: KnownUse
}

/** What was used of a limit, as far as a process knows, and how many share it. */
export interface KnownUse {
  readonly used: number
  readonly replicas: number
}

interface Seen extends KnownUse {
  readonly others: number
  readonly endsAt: number | null
  readonly at: number
}

/** A limit that replicas share: this one draws on a lease of its own, and asks for more before it is empty. */
export class LeasedPot implements Pot {
  private readonly settings: LeasedPotSettings
  private lease = 0
  private heldUntil = 0
  /** What is older than any answer is believed only while the store is away. */
  private seen: Seen
  private calls = 0
  /** The most that calls in flight can use. */
  private reserved = 0
  /** Spent, and still part of the lease: the store has not heard of it. */
  private uncommitted = 0
  /** By bucket: spent, and to be told with the next ask, or being told. */
  private untold = new Map<number, number>()
  private telling = new Map<number, number>()
  /** The uppers of calls that wait, since the last ask: one for each, however often it asks. */
  private readonly waiting = new Map<object, number>()
  private activeAt = -Infinity
  private largest = 0
  private spentSince = 0
  private rate = 0
  private askedAt: number | undefined
  /** What may be spent while the store is away. */
  private offline: number | undefined
  /** Whether the store was away, and not only slow; and since when it answers again. */
  private wasAway = false
  private backAt: number | undefined

  constructor(settings: LeasedPotSettings) {
    this.settings = settings
    this.seen = { ...settings.before, others: 0, endsAt: null, at: -Infinity }
  }

  get subject(): string {
    return this.settings.subject
  }

  get unit(): Unit {
    return this.settings.unit
  }

  verdict(upper: number, now: number, asker: object = {}): Verdict {
    const verdict = this.decide(upper, now)
    if (verdict.kind === 'wait') this.waiting.set(asker, upper)
    else this.waiting.delete(asker)
    return verdict
  }

  reserve(upper: number, admittedAt: number): void {
    if (this.settings.countsAtOnce) return this.spend(admittedAt, upper)
    this.calls += 1
    this.reserved += upper
  }

  settle(upper: number, actual: number, admittedAt: number): void {
    if (this.settings.countsAtOnce) return
    this.end(upper)
    this.spend(admittedAt, actual)
  }

  release(upper: number, admittedAt: number): void {
    if (this.settings.countsAtOnce) this.spend(admittedAt, -upper)
    else this.end(upper)
  }

  left(now: number): number {
    const all = this.offline === undefined ? this.unleased() : this.held(now)
    return Math.max(0, all - this.spent() - this.reserved)
  }

  endsAt(now: number): number {
    return this.seen.endsAt ?? now + this.settings.span().lengthMs
  }

  known(): KnownUse {
    return { used: this.seen.used + this.spent(), replicas: this.seen.replicas }
  }

  /** What to ask for now; undefined where nothing is needed and nothing is held. */
  ask(now: number): LeaseAsk | undefined {
    const { subject, unit, span, limit } = this.settings
    const [first = 0, ...others] = this.waiting.values()
    this.waiting.clear()
    if (this.askedAt !== undefined && now > this.askedAt) {
      this.rate = (this.rate + (this.spentSince * 1000) / (now - this.askedAt)) / 2
    }
    this.spentSince = 0
    this.askedAt = now
    if (!Number.isFinite(limit())) return undefined
    const base = this.uncommitted + this.reserved
    const isSettling = this.offline !== undefined && this.wasAway
    const wanted = isSettling ? 0 : first
    const spare = isSettling ? 0 : this.spareAt(now) + sumOf(others)
    if (base + wanted + spare + this.lease + this.untold.size === 0) return undefined
    this.telling = this.untold
    this.untold = new Map()
    const amounts = { base: bounded(base), wanted: bounded(wanted), spare: bounded(spare) }
    return { subject, unit, span: span(), limit: limit(), ...amounts, used: [...this.telling] }
  }

  /** The answer to what was asked at `askedAt`. */
  grant({ granted, used, others, endsAt }: LeaseGrant, replicas: number, askedAt: number): void {
    this.telling = new Map()
    this.lease = granted
    this.heldUntil = askedAt + HELD_MS
    this.seen = { used, others, endsAt, replicas: Math.max(1, replicas), at: askedAt }
  }

  /** The ask was not answered. */
  lost(): void {
    for (const [start, amount] of this.telling) this.untold.set(start, (this.untold.get(start) ?? 0) + amount)
    this.telling = new Map()
  }

  /** So much of what was spent is in the store, and no longer in the lease. */
  committed(amount: number): void {
    if (!this.settings.isInLedger) return
    this.uncommitted = Math.max(0, this.uncommitted - amount)
    this.lease = Math.max(0, this.lease - amount)
    if (this.offline !== undefined) this.offline = Math.max(0, this.offline - amount)
    this.seen = { ...this.seen, used: this.seen.used + amount }
  }

  /**
   * The store is away: a share of what was left when last seen may be spent without it. While it is only slow others
   * may be borrowing the same, so no more than what may be spent on credit.
   */
  goOffline(share: number | undefined, now: number, isAway: boolean): void {
    if (isAway) this.backAt = undefined
    if (this.offline !== undefined && (this.wasAway || !isAway)) return
    const { replicas } = this.seen
    const part = isAway ? (share ?? 1 / replicas) : CREDIT_SHARE / replicas
    this.offline = this.held(now) + Math.max(0, this.unleased() - this.lease) * part
    this.wasAway = isAway
  }

  /**
   * The store has answered. What others have spent without it nobody has told it yet: until they have, this one goes on
   * with its share.
   */
  goOnline(now: number): void {
    if (this.offline === undefined) return
    this.backAt ??= now
    if (this.wasAway && now - this.backAt < SETTLING_MS) return
    this.offline = undefined
    this.backAt = undefined
    this.wasAway = false
  }

  private decide(upper: number, now: number): Verdict {
    this.activeAt = now
    this.largest = Math.max(upper, this.largest * FADING)
    const free = this.held(now) - this.spent() - this.reserved
    if (upper <= free) return { kind: 'admit' }
    const { others, endsAt, at, replicas } = this.seen
    // Without the store our own spends are all that is new.
    const used = this.offline === undefined ? this.seen.used : this.known().used
    if (used >= this.settings.limit() && (this.offline !== undefined || now - at <= BELIEVED_MS)) {
      return { kind: 'refuse', used, endsAt: Math.max(now + BELIEVED_MS, endsAt ?? 0) }
    }
    if (this.wasAway && this.backAt === undefined) return { kind: 'unknown' }
    if (this.offline === undefined && this.isAnswered()) {
      // All that is left is ours, and nothing of it in flight: one call may go over.
      const isAlone = this.calls === 0 && others === 0 && this.held(now) >= this.settings.limit() - used
      if (isAlone && free > 0) return { kind: 'admit' }
      if (this.spent() + this.reserved + upper <= (this.unleased() * CREDIT_SHARE) / replicas) return { kind: 'admit' }
    }
    return { kind: 'wait' }
  }

  private isAnswered(): boolean {
    return this.seen.at > -Infinity
  }

  private spent(): number {
    return this.uncommitted + sumOf(this.untold.values()) + sumOf(this.telling.values())
  }

  private held(now: number): number {
    return this.offline ?? (now <= this.heldUntil ? this.lease : 0)
  }

  private unleased(): number {
    return Math.max(0, this.settings.limit() - this.seen.used - this.seen.others)
  }

  private spareAt(now: number): number {
    if (!this.isAnswered() || now - this.activeAt > IDLE_MS) return 0
    const share = (this.unleased() * SPARE_SHARE) / this.seen.replicas
    // Near the limit everybody holds only what calls in flight need: what one holds in vain another one lacks.
    return share < this.largest ? 0 : Math.floor(Math.min(share, this.largest + this.rate * SPARE_SECONDS))
  }

  private spend(at: number, amount: number): void {
    this.spentSince += amount
    if (this.settings.isInLedger) {
      this.uncommitted += amount
      return
    }
    const start = bucketStart(at, this.settings.span())
    this.untold.set(start, (this.untold.get(start) ?? 0) + amount)
  }

  private end(upper: number): void {
    this.calls -= 1
    this.reserved -= upper
  }
}

/** A caller may say that its answer can have more tokens than a store can count. */
function bounded(amount: number): number {
  return Math.min(Math.ceil(amount), Number.MAX_SAFE_INTEGER)
}

function sumOf(amounts: Iterable<number>): number {
  let total = 0
  for (const amount of amounts) total += amount
  return total
}
