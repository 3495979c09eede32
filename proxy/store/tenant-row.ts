import { DataTypes, type InferAttributes, type InferCreationAttributes, Model } from 'sequelize'
import type { Tenant, TenantFields } from '../domain/tenant.ts'
import type { Database } from './database.ts'

/** A row of `tenants`. */
export class TenantRow extends Model<InferAttributes<TenantRow>, InferCreationAttributes<TenantRow>> {
  declare id: string
  declare name: string
  declare description: string
  declare status: Tenant['status']
  declare budget_5h: number | null
  declare budget_day: number | null
  declare budget_month: number | null
  declare budget_is_calendar: boolean
  declare reset_at: number | null
  declare created_at: number
  declare updated_at: number
}

const { BIGINT, BOOLEAN, STRING, TEXT } = DataTypes

/** A class of its own for each store: a model belongs to the database that it was last given. */
export function tenantModelIn({ sequelize, schema }: Database): typeof TenantRow {
  class Tenants extends TenantRow {}
  return Tenants.init(
    {
      id: { type: STRING(26), primaryKey: true },
      name: STRING,
      description: TEXT,
      status: STRING,
      budget_5h: BIGINT,
      budget_day: BIGINT,
      budget_month: BIGINT,
      budget_is_calendar: BOOLEAN,
      reset_at: BIGINT,
      created_at: BIGINT,
      updated_at: BIGINT,
    },
    { sequelize, tableName: 'tenants', timestamps: false, ...(schema !== undefined && { schema }) },
  )
}

export function tenantColumnsOf(fields: Required<TenantFields>) {
  return {
    name: fields.name,
    description: fields.description,
    status: fields.status,
    budget_5h: fields.budget5h,
    budget_day: fields.budgetDay,
    budget_month: fields.budgetMonth,
    budget_is_calendar: fields.budgetIsCalendar,
  }
}

export function toTenant(row: TenantRow): Tenant {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    status: row.status,
    budget5h: row.budget_5h,
    budgetDay: row.budget_day,
    budgetMonth: row.budget_month,
    budgetIsCalendar: row.budget_is_calendar,
    resetAt: row.reset_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
