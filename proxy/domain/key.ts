/** A key: what a caller presents. The secret itself is never kept, only its hash and a prefix to recognise it by. */
export interface Key {
  readonly id: string
  readonly name: string
  /** The first characters of the secret, enough to recognise it and too few to guess it. */
  readonly prefix: string
  readonly status: 'active' | 'disabled' | 'revoked'
  readonly isAdmin: boolean
  /** The only model this key may use; whatever the caller asks for is replaced by it. */
  readonly model: string | null
  /** Tokens in a rolling five-hour window; null is no limit. */
  readonly tokenLimit: number | null
  /** Requests per minute; null is no limit. */
  readonly rpm: number | null
  readonly expiresAt: number | null
  /** Endpoint names (`messages`, `files/*`); null opens the stateless endpoints and nothing else. */
  readonly allowedEndpoints: readonly string[] | null
  /** Budgets are in nano-USD; null is no limit. This one is for five hours, and always rolls. */
  readonly budget5h: number | null
  readonly budgetDay: number | null
  readonly budgetMonth: number | null
  /** Whether the day and the month are the calendar's, in UTC; else they are the last 24 hours and the last 30 days. */
  readonly budgetIsCalendar: boolean
  /** When an administrator last gave back what the key had used; null if never. */
  readonly resetAt: number | null
  readonly createdAt: number
}

/** What an administrator may say of a key besides its name, as it is where nothing is said. */
export const UNLIMITED = {
  isAdmin: false,
  model: null,
  tokenLimit: null,
  rpm: null,
  expiresAt: null,
  allowedEndpoints: null,
  budget5h: null,
  budgetDay: null,
  budgetMonth: null,
  budgetIsCalendar: false,
} as const satisfies Partial<Key>

/** What an administrator may say of a key. */
export type KeyFields = Pick<Key, 'name'> & Partial<Pick<Key, keyof typeof UNLIMITED>>

/** The hash and the visible beginning of a new secret. */
export interface SecretMark {
  readonly hash: string
  readonly prefix: string
}

/** What a key has used, as far as it is in the database. */
export interface KeyUsage {
  readonly lifetimeTokens: number
  readonly lastUsedAt: number | null
  /** Spend per minute of admission, oldest first; `start` in milliseconds since the epoch. */
  readonly minutes: readonly { readonly start: number; readonly amount: number }[]
  /** What it cost by minute and by hour, in nano-USD; left out where nothing had a price. */
  readonly costMinutes?: KeyUsage['minutes']
  readonly costHours?: KeyUsage['minutes']
  /** How many processes shared the limits of the key when that was known; only in snapshots. */
  readonly replicas?: number
}

export type KeySummary = Key & Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>

/** Which keys to list; what is left out does not narrow. */
export interface KeyFilter {
  readonly model?: string
  /** `active`: may be used at `now`. `expired`: its time is over at `now`. */
  readonly state?: 'active' | 'expired'
  readonly now: number
  readonly limit: number
  readonly offset: number
}

/** A page of the keys that a filter leaves, and how many it leaves in all. */
export interface KeyPage {
  readonly keys: readonly KeySummary[]
  readonly total: number
}

export interface KeyRecord extends Key {
  /** SHA-256 of the secret, in hex. */
  readonly hash: string
  readonly usage: KeyUsage
}

export type Standing = 'active' | 'disabled' | 'revoked' | 'expired'

export function standingOf(key: Key, now: number): Standing {
  if (key.status !== 'active') return key.status
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active'
}
