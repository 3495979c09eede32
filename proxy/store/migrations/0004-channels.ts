import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

const { BIGINT, BOOLEAN, INTEGER, STRING, TEXT } = DataTypes
const part = { allowNull: false, primaryKey: true } as const
const required = { allowNull: false } as const
const textOf = () => ({ type: TEXT, allowNull: false, defaultValue: '' }) as const

/** What people want to know of a call besides what it used. Money is in nano-USD. */
const columnsOfCalls = () => ({
  channel_id: { type: STRING(32), allowNull: false, defaultValue: '' },
  client_id: { type: STRING(255) },
  session_id: { type: STRING(255) },
  effort: { type: STRING(255) },
  // Fields of the request that the channel's format has no place for.
  lost: { type: TEXT },
  upstream_model: { type: STRING(255) },
  service_tier: { type: STRING(255) },
  upstream_error: { type: TEXT },
  // Part of cache_write_tokens.
  cache_write_1h_tokens: { type: BIGINT, allowNull: false, defaultValue: 0 },
  // The parts of cost_nano_usd.
  input_cost: { type: BIGINT },
  cache_read_cost: { type: BIGINT },
  cache_write_cost: { type: BIGINT },
  output_cost: { type: BIGINT },
  // The period of the channel's quota that it counts to: a subject of limit_buckets.
  quota: { type: STRING(64) },
})

/** Tables are made anew each time: Sequelize writes into what it is given. Lists and objects are JSON. */
const channelTables = () => ({
  channels: {
    id: { type: STRING(32), ...part },
    pool: { type: STRING(16), ...required },
    name: { type: STRING(255), ...required },
    service_type: { type: STRING(16), ...required },
    base_url: textOf(),
    website: textOf(),
    description: textOf(),
    status: { type: STRING(16), ...required, defaultValue: 'active' },
    priority: { type: INTEGER, ...required, defaultValue: 0 },
    position: { type: INTEGER, ...required },
    promotion_until: { type: BIGINT },
    models: { type: TEXT },
    key_balance: { type: STRING(16) },
    model_mapping: { type: TEXT },
    price_multipliers: { type: TEXT },
    composite_mappings: { type: TEXT },
    content_filter: { type: TEXT },
    header_policy: { type: TEXT },
    quota_unit: { type: STRING(16) },
    quota_limit: { type: BIGINT },
    quota_models: { type: TEXT },
    quota_reset_mode: { type: STRING(16) },
    quota_reset_at: { type: BIGINT },
    quota_reset_every: { type: INTEGER },
    quota_reset_unit: { type: STRING(16) },
    rpm: { type: INTEGER },
    queue_timeout_ms: { type: INTEGER },
    connect_timeout_ms: { type: INTEGER },
    first_byte_timeout_ms: { type: INTEGER },
    idle_timeout_ms: { type: INTEGER },
    is_tls_insecure: { type: BOOLEAN, ...required, defaultValue: false },
    tls_authorities: { type: TEXT },
    // Encrypted as one: JSON of a `ChannelOauth`.
    oauth: { type: TEXT },
    created_at: { type: BIGINT, ...required },
    updated_at: { type: BIGINT, ...required },
  },
  channel_keys: {
    id: { type: STRING(26), ...part },
    channel_id: { type: STRING(32), ...required },
    position: { type: INTEGER, ...required },
    // Encrypted.
    secret: { type: TEXT, ...required },
    // Enough to recognise it by.
    preview: { type: STRING(32), ...required },
    created_at: { type: BIGINT, ...required },
  },
  channel_suspensions: {
    channel_id: { type: STRING(32), ...part },
    suspended_at: { type: BIGINT, ...required },
    suspended_until: { type: BIGINT, ...required },
    reason: { type: STRING(255), ...required },
  },
  channel_quota: {
    channel_id: { type: STRING(32), ...part },
    // When the period that counts began, and when it ends; null is never by itself.
    since: { type: BIGINT, ...required },
    ends_at: { type: BIGINT },
  },
})

/** Names for people, and who changed what. */
const otherTables = () => ({
  model_aliases: {
    pool: { type: STRING(16), ...part },
    value: { type: STRING(255), ...part },
    description: textOf(),
    position: { type: INTEGER, ...required },
  },
  user_aliases: {
    user_id: { type: STRING(255), ...part },
    alias: { type: STRING(255), ...required, unique: true },
  },
  audit_log: {
    // A ULID: sorted by time.
    id: { type: STRING(26), ...part },
    at: { type: BIGINT, ...required },
    // The key, and its name at that time.
    actor_id: { type: STRING(26) },
    actor: { type: STRING(255), ...required },
    operation: { type: STRING(64), ...required },
    target: { type: STRING(255) },
    http_status: { type: INTEGER, ...required },
    // A code of the error catalogue.
    error: { type: STRING(64) },
    request_id: { type: STRING(128), ...required },
    // JSON without secrets, of writes only.
    before: { type: TEXT },
    after: { type: TEXT },
  },
})

/** Channels and their secrets, what is said of models and users, and who changed what. Lists and objects are JSON. */
export const channels: Migration = {
  name: '0004-channels',
  minReader: 1,
  async up({ query, table, transaction }) {
    const options = { transaction }
    for (const [name, columns] of Object.entries({ ...channelTables(), ...otherTables() }))
      await query.createTable(table(name), columns, options)
    await query.addIndex(table('channels'), ['pool', 'name'], { name: 'channels_name', unique: true, transaction })
    await query.addIndex(table('channel_keys'), ['channel_id'], { name: 'channel_keys_channel', transaction })
    for (const [name, column] of Object.entries(columnsOfCalls())) {
      await query.addColumn(table('request_logs'), name, column, options)
    }
    await query.addColumn(table('model_pricing'), 'description', textOf(), options)
    // Whether GET /v1/models lists it.
    const isExported = { type: BOOLEAN, allowNull: false, defaultValue: true }
    await query.addColumn(table('model_pricing'), 'is_exported', isExported, options)
    // What is kept for an hour costs more to write than what is kept for five minutes; null is 1.6 times `cache_write`.
    await query.addColumn(table('model_pricing'), 'cache_write_1h', { type: BIGINT }, options)
  },
}
