import type { Tenant } from './tenant.ts'

/** A key: what a caller presents. The secret itself is never kept, only its hash and a prefix to recognise it by. */
export interface Key {
  readonly id: string
  readonly name: string
  /** The first characters of the secret, enough to recognise it and too few to guess it. */
  readonly prefix: string
  /** For people. */
  readonly description: string
  readonly status: 'active' | 'disabled' | 'revoked'
  readonly isAdmin: boolean
  /** The tenant that the key and what it uses belong to; null is none. */
  readonly tenantId: string | null
  /** Manages the keys of its tenant, and sees their usage, logs and budgets. Never so with `isAdmin`. */
  readonly isTenantAdmin: boolean
  /** The only model this key may use; whatever the caller asks for is replaced by it. */
  readonly model: string | null
  /** Tokens in a rolling five-hour window; null is no limit. */
  readonly tokenLimit: number | null
  /** Requests per minute; null is no limit. */
  readonly rpm: number | null
  readonly expiresAt: number | null
  /** Endpoint names (`messages`, `files/*`); null opens the stateless endpoints and nothing else. */
  readonly allowedEndpoints: readonly string[] | null
  /** Globs (`claude-*`); null is all. */
  readonly allowedModels: readonly string[] | null
  /** Ids of channels; null is all. */
  readonly allowedChannels: readonly string[] | null
  /** Budgets are in nano-USD; null is no limit. This one is for five hours, and always rolls. */
  readonly budget5h: number | null
  readonly budgetDay: number | null
  readonly budgetMonth: number | null
  /** Whether the day and the month are the calendar's, in UTC; else they are the last 24 hours and the last 30 days. */
  readonly budgetIsCalendar: boolean
  /** When an administrator last gave back what the key had used; null if never. */
  readonly resetAt: number | null
  /** Until when the secret before the last rotation opens, too; null if none does. */
  readonly previousUntil: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** What an administrator may say of a key besides its name, as it is where nothing is said. */
export const UNLIMITED = {
  description: '',
  isAdmin: false,
  tenantId: null,
  isTenantAdmin: false,
  model: null,
  tokenLimit: null,
  rpm: null,
  expiresAt: null,
  allowedEndpoints: null,
  allowedModels: null,
  allowedChannels: null,
  budget5h: null,
  budgetDay: null,
  budgetMonth: null,
  budgetIsCalendar: false,
} as const satisfies Partial<Key>

/** What an administrator may say of a key. */
export type KeyFields = Pick<Key, 'name'> & Partial<Pick<Key, keyof typeof UNLIMITED>>

/** What can be changed of a key later; what is left out stays. */
export type KeyChanges = Partial<Omit<KeyFields, 'isAdmin'>>

/** The longest time for which a secret may outlive its rotation. */
export const MAX_OVERLAP_MS = 30 * 86_400_000

/** What is wrong with a key as a whole, in a sentence; undefined if nothing is. */
export function keyProblem({ isAdmin, isTenantAdmin, tenantId }: Required<KeyFields>): string | undefined {
  if (!isTenantAdmin) return undefined
  if (isAdmin) return 'A key is an admin key or the admin key of a tenant, and not both.'
  return tenantId === null ? 'The admin key of a tenant needs its tenant.' : undefined
}

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

/** A key with its tenant. */
interface TenantKey extends Key {
  readonly tenant: Tenant | null
}

export type KeySummary = TenantKey & Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>

/** Which keys to list; what is left out does not narrow. */
export interface KeyFilter {
  readonly model?: string
  /** `active`: may be used at `now`. `expired`: its time is over at `now`, whatever else it is. */
  readonly state?: Standing
  readonly tenantId?: string
  /** A part of its name; small and capital letters of ASCII are alike. */
  readonly search?: string
  readonly now: number
  readonly limit: number
  readonly offset: number
}

/** A page of the keys that a filter leaves, and how many it leaves in all. */
export interface KeyPage {
  readonly keys: readonly KeySummary[]
  readonly total: number
}

/** A key as a caller is compared with it. Hashes are SHA-256, in hex. */
export interface StoredKey extends TenantKey {
  /** Of the secret. */
  readonly hash: string
  /** Of the secret before the last rotation, which opens until `previousUntil`. */
  readonly previousHash: string | null
}

export interface KeyRecord extends StoredKey {
  readonly usage: KeyUsage
  /** What its tenant had used when the key was read; left out where nothing had a price. */
  readonly tenantCosts?: Pick<KeyUsage, 'costMinutes' | 'costHours'>
}

/** What a key is found by, whether it still opens it or not. */
export function hashesOf({ hash, previousHash }: StoredKey): readonly string[] {
  return previousHash === null ? [hash] : [hash, previousHash]
}

/** Whether a secret with this hash opens the key at `now`. */
export function opens(key: StoredKey, hash: string, now: number): boolean {
  return key.hash === hash || (key.previousHash === hash && now < (key.previousUntil ?? 0))
}

export const standings = ['active', 'expired', 'disabled', 'revoked'] as const
export type Standing = (typeof standings)[number]

export function standingOf(key: Key, now: number): Standing {
  if (key.status !== 'active') return key.status
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active'
}
