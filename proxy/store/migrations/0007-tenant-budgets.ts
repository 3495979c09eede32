import { DataTypes } from 'sequelize'
import type { Migration } from '../migrate.ts'

/** To whose budgets an entry counts, and when a tenant was last given back what it had used. */
export const tenantBudgets: Migration = {
  name: '0007-tenant-budgets',
  minReader: 1,
  async up({ query, table, transaction }) {
    // Null in what a program of an earlier schema has written: it counts to no tenant.
    await query.addColumn(table('request_logs'), 'tenant_id', { type: DataTypes.STRING(26) }, { transaction })
    await query.addColumn(table('tenants'), 'reset_at', { type: DataTypes.BIGINT }, { transaction })
  },
}
