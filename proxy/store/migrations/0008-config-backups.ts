import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

const { BIGINT, STRING, TEXT } = DataTypes
const required = { allowNull: false } as const

/** Copies of the configuration, each a document of its own. */
export const configBackups: Migration = {
  name: '0008-config-backups',
  minReader: 1,
  async up({ query, table, transaction }) {
    await query.createTable(
      table('config_backups'),
      {
        id: { type: STRING(26), allowNull: false, primaryKey: true },
        created_at: { type: BIGINT, ...required },
        created_by: { type: STRING(255), ...required },
        note: { type: TEXT, ...required, defaultValue: '' },
        revision: { type: STRING(32), ...required },
        size_bytes: { type: BIGINT, ...required },
        document: { type: TEXT, ...required },
      },
      { transaction },
    )
  },
}
