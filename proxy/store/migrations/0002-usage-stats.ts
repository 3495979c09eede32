import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

const { BIGINT, STRING, TEXT } = DataTypes
const part = { allowNull: false, primaryKey: true } as const
const count = { type: BIGINT, allowNull: false, defaultValue: 0 } as const

/** Sums over the ledger that outlive it, and what an entry said before it was corrected. */
export const usageStats: Migration = {
  name: '0002-usage-stats',
  minReader: 1,
  async up({ query, table, transaction }) {
    await query.createTable(
      table('usage_stats'),
      {
        resolution: { type: STRING(8), ...part },
        start: { type: BIGINT, ...part },
        key_id: { type: STRING(26), ...part },
        // Empty where the upstream refused the call: a name that a caller made up is no dimension.
        model: { type: STRING(255), ...part },
        channel: { type: STRING(255), ...part },
        calls: count,
        failed_calls: count,
        input_tokens: count,
        cache_read_tokens: count,
        cache_write_tokens: count,
        output_tokens: count,
        reasoning_tokens: count,
        spend_tokens: count,
      },
      { transaction },
    )
    // JSON: channel and token counts of the interrupted entry that a closed one has corrected.
    await query.addColumn(table('request_logs'), 'replaced', { type: TEXT }, { transaction })
  },
}
