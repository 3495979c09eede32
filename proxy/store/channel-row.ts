import {
  type Channel,
  type ChannelKey,
  type ChannelOauth,
  type ChannelQuota,
  type QuotaReset,
} from '../domain/channel.ts'
import type { ChannelChanges } from '../domain/channel-input.ts'
import type { Bind } from './database.ts'

/** A row of `channels` as both engines answer it. */
export interface ChannelRow {
  readonly id: string
  readonly pool: Channel['pool']
  readonly name: string
  readonly service_type: Channel['serviceType']
  readonly base_url: string
  readonly website: string
  readonly description: string
  readonly status: Channel['status']
  readonly priority: number
  readonly position: number
  readonly promotion_until: number | null
  readonly models: string | null
  readonly key_balance: Channel['keyBalance']
  readonly model_mapping: string | null
  readonly price_multipliers: string | null
  readonly composite_mappings: string | null
  readonly content_filter: string | null
  readonly header_policy: string | null
  readonly quota_unit: ChannelQuota['unit'] | null
  readonly quota_limit: number | null
  readonly quota_models: string | null
  readonly quota_reset_mode: QuotaReset['mode'] | null
  readonly quota_reset_at: number | null
  readonly quota_reset_every: number | null
  readonly quota_reset_unit: QuotaReset['unit'] | null
  readonly rpm: number | null
  readonly queue_timeout_ms: number | null
  readonly connect_timeout_ms: number | null
  readonly first_byte_timeout_ms: number | null
  readonly idle_timeout_ms: number | null
  /** SQLite has no booleans. */
  readonly is_tls_insecure: boolean | 0 | 1
  readonly tls_authorities: string | null
  readonly oauth: string | null
}

/** What is encrypted of a channel, decrypted; or why it cannot be. */
export type ChannelSecrets =
  | { readonly kind: 'secrets'; readonly keys: readonly ChannelKey[]; readonly oauth: ChannelOauth | null }
  | { readonly kind: 'fault'; readonly fault: string }

type Fields = Required<ChannelChanges>
type Columns = Partial<Record<keyof ChannelRow, Bind[number]>>

const columnsByField: {
  readonly [Field in keyof Fields]: (value: Fields[Field], seal: (text: string) => string) => Columns
} = {
  name: (value) => ({ name: value }),
  serviceType: (value) => ({ service_type: value }),
  baseUrl: (value) => ({ base_url: value }),
  website: (value) => ({ website: value }),
  description: (value) => ({ description: value }),
  status: (value) => ({ status: value }),
  priority: (value) => ({ priority: value }),
  models: (value) => ({ models: JSON.stringify(value) }),
  keyBalance: (value) => ({ key_balance: value }),
  modelMapping: (value) => ({ model_mapping: JSON.stringify(value) }),
  priceMultipliers: (value) => ({ price_multipliers: JSON.stringify(value) }),
  compositeMappings: (value) => ({ composite_mappings: JSON.stringify(value) }),
  contentFilter: (value) => ({ content_filter: value && JSON.stringify(value) }),
  headerPolicy: (value) => ({ header_policy: JSON.stringify(value) }),
  quota: (value) => ({
    quota_unit: value?.unit ?? null,
    quota_limit: value?.limit ?? null,
    quota_models: value && JSON.stringify(value.models),
    quota_reset_mode: value?.reset?.mode ?? null,
    quota_reset_at: value?.reset?.at ?? null,
    quota_reset_every: value?.reset?.every ?? null,
    quota_reset_unit: value?.reset?.unit ?? null,
  }),
  rpm: (value) => ({ rpm: value }),
  queue: (value) => ({ queue_timeout_ms: value?.timeoutMs ?? null }),
  timeouts: (value) => ({
    connect_timeout_ms: value.connectMs,
    first_byte_timeout_ms: value.firstByteMs,
    idle_timeout_ms: value.idleMs,
  }),
  tls: (value) => ({ is_tls_insecure: value.isInsecure, tls_authorities: value.authorities }),
  oauth: (value, seal) => ({ oauth: value && seal(JSON.stringify(value)) }),
}

/** The columns of the fields that are named. `seal` encrypts. */
export function columnsOf(changes: ChannelChanges, seal: (text: string) => string): Columns {
  const columns = (Object.keys(columnsByField) as (keyof Fields)[]) // safe: its keys are the fields
    .filter((field) => changes[field] !== undefined)
    .map((field) => {
      const toColumns = columnsByField[field] as (value: unknown, sealing: typeof seal) => Columns // safe: of the same field
      return toColumns(changes[field], seal)
    })
  return Object.assign({}, ...columns) as Columns // safe: it is all of them
}

export function toChannel(row: ChannelRow, secrets: ChannelSecrets): Channel {
  return {
    id: row.id,
    pool: row.pool,
    name: row.name,
    serviceType: row.service_type,
    baseUrl: row.base_url,
    website: row.website,
    description: row.description,
    status: row.status,
    fault: faultOf(row, secrets),
    priority: row.priority,
    position: row.position,
    promotionUntil: row.promotion_until,
    models: parsed(row.models) ?? [],
    keys: secrets.kind === 'secrets' ? secrets.keys : [],
    keyBalance: row.key_balance,
    modelMapping: parsed(row.model_mapping) ?? {},
    priceMultipliers: parsed(row.price_multipliers) ?? {},
    compositeMappings: parsed(row.composite_mappings) ?? [],
    contentFilter: row.content_filter === null ? null : { isEnabled: true, ...parsed(row.content_filter) },
    headerPolicy: parsed(row.header_policy) ?? { remove: [], set: {} },
    quota: quotaOf(row),
    rpm: row.rpm,
    queue: row.queue_timeout_ms === null ? null : { timeoutMs: row.queue_timeout_ms },
    timeouts: {
      connectMs: row.connect_timeout_ms,
      firstByteMs: row.first_byte_timeout_ms,
      idleMs: row.idle_timeout_ms,
    },
    tls: { isInsecure: Boolean(row.is_tls_insecure), authorities: row.tls_authorities },
    oauth: secrets.kind === 'secrets' ? secrets.oauth : null,
  }
}

function faultOf({ service_type: type }: ChannelRow, secrets: ChannelSecrets): string | null {
  if (type === 'gemini') return 'channels of the type gemini are not served'
  return secrets.kind === 'fault' ? secrets.fault : null
}

function quotaOf(row: ChannelRow): ChannelQuota | null {
  const { quota_unit: unit, quota_limit: limit } = row
  if (unit === null || limit === null) return null
  return { unit, limit, models: parsed(row.quota_models) ?? [], reset: resetOf(row) }
}

function resetOf(row: ChannelRow): QuotaReset | null {
  const { quota_reset_mode: mode, quota_reset_at: at, quota_reset_every: every, quota_reset_unit: unit } = row
  return mode === null || at === null || every === null || unit === null ? null : { mode, at, every, unit }
}

/** What `columnsOf` has written is what the field takes. */
function parsed(text: string | null) {
  return text === null ? null : JSON.parse(text)
}
