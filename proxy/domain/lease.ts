/** What is limited of a key: tokens in five hours, requests in a minute, money (nano-USD) in five hours, a day or a month. */
export const keyUnits = ['tokens', 'requests', 'usd_5h', 'usd_day', 'usd_month'] as const
export type KeyUnit = (typeof keyUnits)[number]

/** And of a channel: requests in a minute, and its quotas. */
export type Unit = KeyUnit | 'quota_requests' | 'quota_credit'

/** Over which time a limit counts, and how finely that time is kept. */
export interface Span {
  readonly bucketMs: number
  readonly lengthMs: number
  /** Counts from the beginning of the day or month (UTC) instead of over the last `lengthMs`. */
  readonly period?: 'day' | 'month'
}

/** What a replica asks of a limit that it shares with others: a lease of its own, set to what it needs now. */
export interface LeaseAsk {
  /** The id of a key, or `channel:` and a name. */
  readonly subject: string
  readonly unit: Unit
  readonly span: Span
  readonly limit: number
  /** Is in flight, or spent and not committed: it stays leased, whatever is left. */
  readonly base: number
  /** What the next waiting call needs on top: all of it, or nothing. */
  readonly wanted: number
  /** What may come on top of that, so that other calls need not ask. */
  readonly spare: number
  /** Spends that no entry tells of, since the last ask: `[start of the bucket, amount]`. */
  readonly used: readonly (readonly [start: number, amount: number])[]
}

/** A limit as it stands in the store. */
export interface LeaseGrant {
  readonly subject: string
  readonly unit: Unit
  /** The size of the lease now. */
  readonly granted: number
  /** Counted, of all replicas. */
  readonly used: number
  /** Leased by other replicas. */
  readonly others: number
  /** When enough will have left for a spend to fit; null while there is room. */
  readonly endsAt: number | null
}

export interface LeaseGrants {
  readonly grants: readonly LeaseGrant[]
  /** The store's clock, in milliseconds since the epoch. */
  readonly now: number
  /** How many replicas there are. */
  readonly replicas: number
}

/** A store that replicas share. */
export interface Bank {
  /** `asks` is called when no commit is under way: what is committed is not in a lease any more. */
  borrow(asks: () => readonly LeaseAsk[]): Promise<LeaseGrants>
  /** Gives everything back. */
  leave(): Promise<void>
}
