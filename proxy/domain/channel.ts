/** The channels that callers of one wire format share. */
export const pools = ['messages', 'responses', 'chat', 'search'] as const
export type Pool = (typeof pools)[number]

/**
 * What an upstream speaks: Anthropic's messages, OpenAI's chat completions, OpenAI's responses, Brave's search. A
 * `composite` speaks nothing and sends on to other channels by model; `gemini` is kept for who brings it, and not served.
 */
export const serviceTypes = ['claude', 'openai_chat', 'responses', 'brave', 'composite', 'gemini'] as const
export type ServiceType = (typeof serviceTypes)[number]

/** `suspended` is paused and keeps its place; `disabled` stands in reserve. */
export const channelStatuses = ['active', 'suspended', 'disabled'] as const
type ChannelStatus = (typeof channelStatuses)[number]

/** How one of several is picked: the first that works, each in turn, or any. */
export const balances = ['failover', 'round-robin', 'random'] as const
export type Balance = (typeof balances)[number]

/** One credential of an upstream account. */
export interface ChannelKey {
  /** Stable while the channel's list of keys is edited. */
  readonly id: string
  readonly secret: string
}

/** Factors on the price of a model, 1 where nothing is said. */
export interface PriceMultipliers {
  readonly input: number
  readonly output: number
  readonly cacheWrite: number
  readonly cacheRead: number
}

/** Where a composite sends models whose name contains `pattern`. */
export interface CompositeMapping {
  readonly pattern: string
  /** The channels to try in this order, by id; at least one. */
  readonly targets: readonly string[]
  /** The model to ask them for; null leaves it. */
  readonly model: string | null
}

/** An answer that contains one of the keywords counts as refused with its status. */
export interface ContentFilter {
  readonly isEnabled: boolean
  readonly rules: readonly { readonly keyword: string; readonly status: number }[]
}

/** What is done to the headers that a caller's request takes along. */
export interface HeaderPolicy {
  /** Names that are not passed on; a `*` at the end stands for whatever follows. */
  readonly remove: readonly string[]
  /** Sent with every request, in place of the caller's. */
  readonly set: Readonly<Record<string, string>>
}

/** How much of a channel may be used until its quota is reset. */
export interface ChannelQuota {
  /** `requests` counts answers below 300 and refusals with 400; `credit` counts nano-USD. */
  readonly unit: 'requests' | 'credit'
  readonly limit: number
  /** Parts of the names of the models that count; empty is all. */
  readonly models: readonly string[]
  readonly reset: QuotaReset | null
}

/** How much of a quota is used. Credit is in nano-USD, instants are milliseconds since the epoch. */
export interface QuotaUsage {
  readonly quotaType: ChannelQuota['unit']
  readonly limit: number
  readonly used: number
  readonly remaining: number
  readonly remainingPercent: number
  readonly lastResetAt?: number
  readonly nextResetAt?: number
}

export interface QuotaReset {
  /** `fixed`: at `at` and every interval after it. `rolling`: an interval after the first call since the last reset. */
  readonly mode: 'fixed' | 'rolling'
  /** When it was, or is, first reset. */
  readonly at: number
  readonly every: number
  /** Months are the calendar's, in UTC. */
  readonly unit: 'hours' | 'days' | 'weeks' | 'months'
}

/** How long a call waits for a channel that has had its requests of the minute. */
interface ChannelQueue {
  readonly timeoutMs: number
}

/** Waits for the upstream, in milliseconds; null is what the gateway's configuration says. */
export interface ChannelTimeouts {
  readonly connectMs: number | null
  readonly firstByteMs: number | null
  readonly idleMs: number | null
}

export interface ChannelTls {
  /** Whether any certificate is believed. */
  readonly isInsecure: boolean
  /** Certificates of authorities to believe, in PEM; null is the system's. */
  readonly authorities: string | null
}

/** A refresh token (RFC 6749, section 6) and what it was last exchanged for. */
export interface ChannelOauth {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string | null
  readonly scope: string | null
  readonly refreshToken: string
  readonly accessToken: string | null
  readonly expiresAt: number | null
}

/** One upstream account, or a group of accounts of one service type. */
export interface Channel {
  /** Eight hex digits, what a document calls it, or `env-` and a name for what the environment describes. */
  readonly id: string
  readonly pool: Pool
  /** Unique in its pool; what entries and metrics call it. */
  readonly name: string
  readonly serviceType: ServiceType
  /** Without a slash at its end; empty for a composite. */
  readonly baseUrl: string
  readonly website: string
  readonly description: string
  readonly status: ChannelStatus
  /** Why it cannot serve whatever its status says: its secrets cannot be decrypted, its type is not served. */
  readonly fault: string | null
  /** The smaller is tried first; 0 counts as its position in the list. */
  readonly priority: number
  /** In the list, from 1. */
  readonly position: number
  readonly promotionUntil: number | null
  /** Globs of the models it serves, and with `!` before them of those it does not; empty is all. */
  readonly models: readonly string[]
  readonly keys: readonly ChannelKey[]
  /** Null is as the pool. */
  readonly keyBalance: Balance | null
  /** From the model that was asked for to the one that the upstream is asked for. */
  readonly modelMapping: Readonly<Record<string, string>>
  /** By the name of a model, its beginning, or `_default`. */
  readonly priceMultipliers: Readonly<Record<string, PriceMultipliers>>
  readonly compositeMappings: readonly CompositeMapping[]
  readonly contentFilter: ContentFilter | null
  readonly headerPolicy: HeaderPolicy
  readonly quota: ChannelQuota | null
  /** Requests in a minute; null is no limit. */
  readonly rpm: number | null
  /** Null does not queue: a call goes to the next channel at once. */
  readonly queue: ChannelQueue | null
  readonly timeouts: ChannelTimeouts
  readonly tls: ChannelTls
  readonly oauth: ChannelOauth | null
}

/** A channel of which nothing is said but what has to be. */
export const PLAIN_CHANNEL: Omit<Channel, 'id' | 'pool' | 'name' | 'serviceType'> = {
  baseUrl: '',
  website: '',
  description: '',
  status: 'active',
  fault: null,
  priority: 0,
  position: 0,
  promotionUntil: null,
  models: [],
  keys: [],
  keyBalance: null,
  modelMapping: {},
  priceMultipliers: {},
  compositeMappings: [],
  contentFilter: null,
  headerPolicy: { remove: [], set: {} },
  quota: null,
  rpm: null,
  queue: null,
  timeouts: { connectMs: null, firstByteMs: null, idleMs: null },
  tls: { isInsecure: false, authorities: null },
  oauth: null,
}
