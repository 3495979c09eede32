import { DataTypes } from 'sequelize'
import { tableOf } from '../database.ts'
import type { Migration } from '../migrate.ts'

const { BIGINT, BLOB, INTEGER, STRING, TEXT } = DataTypes
const required = { allowNull: false } as const

/**
 * Requests and answers that are kept for a while. Headers are JSON, bodies gzip; NULL where they have been removed. By
 * the id, which sorts by time, all that is old is found.
 */
export const requestBodies: Migration = {
  name: '0009-request-bodies',
  minReader: 1,
  async up({ query, table, transaction }) {
    await query.createTable(
      table('request_bodies'),
      {
        id: { type: STRING(26), ...required, primaryKey: true },
        created_at: { type: BIGINT, ...required },
        request_method: { type: STRING(16), ...required },
        request_path: { type: TEXT, ...required },
        request_headers: { type: TEXT },
        request_body: { type: BLOB },
        request_body_bytes: { type: BIGINT, ...required },
        response_status: { type: INTEGER },
        response_headers: { type: TEXT },
        response_body: { type: BLOB },
        response_body_bytes: { type: BIGINT, ...required },
      },
      { transaction },
    )
    const { schema } = table('')
    const whole = `CREATE INDEX request_bodies_whole ON ${tableOf({ schema }, 'request_bodies')} (id) WHERE request_body IS NOT NULL`
    await query.sequelize.query(whole, { transaction })
  },
}
