import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

const { BIGINT, BOOLEAN, STRING, TEXT } = DataTypes
const required = { allowNull: false } as const
const text = { type: TEXT, allowNull: false, defaultValue: '' } as const

/** Tenants, whose keys they are, and keys of which two secrets open for a while. Lists are JSON. */
export const tenants: Migration = {
  name: '0005-tenants',
  minReader: 1,
  async up({ query, table, transaction }) {
    // Sequelize makes the type of what it is given its engine's, so this is of one run.
    const no = { type: BOOLEAN, allowNull: false, defaultValue: false }
    await query.createTable(
      table('tenants'),
      {
        id: { type: STRING(26), allowNull: false, primaryKey: true },
        name: { type: STRING(255), ...required, unique: true },
        description: text,
        status: { type: STRING(16), ...required, defaultValue: 'active' },
        budget_5h: { type: BIGINT },
        budget_day: { type: BIGINT },
        budget_month: { type: BIGINT },
        budget_is_calendar: no,
        created_at: { type: BIGINT, ...required },
        updated_at: { type: BIGINT, ...required },
      },
      { transaction },
    )
    const added = {
      description: text,
      tenant_id: { type: STRING(26) },
      is_tenant_admin: no,
      allowed_models: { type: TEXT },
      allowed_channels: { type: TEXT },
      previous_hash: { type: STRING(64) },
      previous_until: { type: BIGINT },
      // Null in what a program of an earlier schema has written.
      updated_at: { type: BIGINT },
    }
    for (const [name, column] of Object.entries(added)) {
      await query.addColumn(table('api_keys'), name, column, { transaction })
    }
    const previous = { name: 'api_keys_previous_hash', unique: true, transaction }
    await query.addIndex(table('api_keys'), ['previous_hash'], previous)
    await query.addIndex(table('api_keys'), ['tenant_id'], { name: 'api_keys_tenant', transaction })
  },
}
