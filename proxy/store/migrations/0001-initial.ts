import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

const { BIGINT, BOOLEAN, INTEGER, STRING, TEXT } = DataTypes
const required = { allowNull: false } as const
const count = { type: BIGINT, allowNull: false, defaultValue: 0 } as const
const id = { type: STRING(26), allowNull: false, primaryKey: true } as const

/** Keys, their windows, the ledger, and the settings' revision. Instants are milliseconds since the epoch. */
export const initial: Migration = {
  name: '0001-initial',
  minReader: 1,
  async up({ query, table, transaction }) {
    await query.createTable(
      table('api_keys'),
      {
        id,
        name: { type: STRING(255), ...required },
        hash: { type: STRING(64), ...required, unique: true },
        prefix: { type: STRING(16), ...required },
        status: { type: STRING(16), ...required, defaultValue: 'active' },
        is_admin: { type: BOOLEAN, ...required, defaultValue: false },
        model: { type: STRING(255) },
        token_limit: { type: BIGINT },
        rpm: { type: INTEGER },
        expires_at: { type: BIGINT },
        allowed_endpoints: { type: TEXT },
        created_at: { type: BIGINT, ...required },
        last_used_at: { type: BIGINT },
        lifetime_tokens: count,
      },
      { transaction },
    )
    // A revoked key gives its name free: rotation by revoking and creating anew is how many teams work.
    await query.addIndex(table('api_keys'), ['name'], {
      name: 'api_keys_name',
      unique: true,
      where: { status: ['active', 'disabled'] },
      transaction,
    })
    await query.createTable(
      table('usage_windows'),
      {
        key_id: { type: STRING(26), ...required, primaryKey: true },
        minute: { type: BIGINT, ...required, primaryKey: true },
        tokens: count,
      },
      { transaction },
    )
    await query.createTable(
      table('request_logs'),
      {
        id,
        request_id: { type: STRING(128), ...required },
        key_id: { type: STRING(26), ...required },
        endpoint: { type: STRING(255), ...required },
        model: { type: STRING(255) },
        stream: { type: BOOLEAN, ...required },
        channel: { type: STRING(255), ...required },
        status: { type: STRING(16), ...required },
        http_status: { type: INTEGER, ...required },
        error: { type: STRING(255) },
        metering: { type: STRING(16), ...required },
        input_tokens: count,
        cache_read_tokens: count,
        cache_write_tokens: count,
        output_tokens: count,
        reasoning_tokens: count,
        spend_tokens: count,
        admitted_at: { type: BIGINT, ...required },
        first_byte_ms: { type: INTEGER },
        duration_ms: { type: INTEGER, ...required },
        // Only where there was more than one; the columns above tell of a single attempt.
        attempts: { type: TEXT },
      },
      { transaction },
    )
    await query.addIndex(table('request_logs'), ['key_id', 'id'], { name: 'request_logs_key', transaction })
    await query.createTable(
      table('settings'),
      { name: { type: STRING(64), ...required, primaryKey: true }, value: { type: TEXT, ...required } },
      { transaction },
    )
    await query.bulkInsert(table('settings'), [{ name: 'revision', value: '0' }], { transaction })
  },
}
