import { DataTypes } from 'sequelize'
import { tableOf } from '../database.ts'
import type { Migration } from '../migrate.ts'
import { borrowFunction } from './borrow-leases.ts'

const { BIGINT, BOOLEAN, INTEGER, STRING } = DataTypes
const part = { allowNull: false, primaryKey: true } as const
const count = { type: BIGINT, allowNull: false, defaultValue: 0 } as const

/** Limits that hold across replicas, budgets and the prices they need, and the guard against guessing keys. */
export const limits: Migration = {
  name: '0003-limits',
  minReader: 1,
  async up({ engine, query, table, transaction }) {
    const options = { transaction }
    // Money is in nano-USD everywhere.
    for (const name of ['budget_5h', 'budget_day', 'budget_month', 'reset_at']) {
      await query.addColumn(table('api_keys'), name, { type: BIGINT }, options)
    }
    const isCalendar = { type: BOOLEAN, allowNull: false, defaultValue: false }
    await query.addColumn(table('api_keys'), 'budget_is_calendar', isCalendar, options)
    // Null is unpriced, which is not free.
    await query.addColumn(table('request_logs'), 'cost_nano_usd', { type: BIGINT }, options)
    await query.addColumn(table('usage_stats'), 'cost_nano_usd', count, options)

    // What is counted besides usage_windows: requests by second, money by minute and hour, and what a reset took back.
    await query.createTable(
      table('limit_buckets'),
      {
        subject: { type: STRING(64), ...part },
        unit: { type: STRING(16), ...part },
        start: { type: BIGINT, ...part },
        amount: count,
      },
      options,
    )
    await query.createTable(
      table('model_pricing'),
      // For a million tokens each.
      { model: { type: STRING(255), ...part }, input: count, cache_read: count, cache_write: count, output: count },
      options,
    )
    await query.createTable(
      table('auth_blocks'),
      {
        address: { type: STRING(64), ...part },
        failures: { type: INTEGER, allowNull: false, defaultValue: 0 },
        failed_at: count,
        blocked_until: count,
      },
      options,
    )
    // Every second each replica asks who is blocked.
    await query.addIndex(table('auth_blocks'), ['blocked_until'], { name: 'auth_blocks_until', transaction })
    const { schema } = table('')
    const name = (of: string): string => tableOf({ schema }, of)
    await query.sequelize.query(
      `CREATE VIEW ${name('limit_usage')} AS
       SELECT key_id AS subject, 'tokens' AS unit, minute AS start, tokens AS amount FROM ${name('usage_windows')}
       UNION ALL SELECT subject, unit, start, amount FROM ${name('limit_buckets')}`,
      options,
    )
    if (engine === 'sqlite') return // one process has one memory
    await query.createTable(table('replicas'), { id: { type: STRING(26), ...part }, seen_at: count }, options)
    await query.createTable(
      table('limit_leases'),
      {
        replica_id: { type: STRING(26), ...part },
        subject: { type: STRING(64), ...part },
        unit: { type: STRING(16), ...part },
        amount: count,
        expires_at: count,
      },
      options,
    )
    await query.addIndex(table('limit_leases'), ['subject', 'unit'], { name: 'limit_leases_subject', transaction })
    await query.sequelize.query(borrowFunction(name), options)
  },
}
