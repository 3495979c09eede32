import { DataTypes, type InferAttributes, type InferCreationAttributes, Model } from 'sequelize'
import type { Key, KeyFields, KeySummary } from '../domain/key.ts'
import type { Database } from './database.ts'

/** A row of `api_keys`. */
export class ApiKeyRow extends Model<InferAttributes<ApiKeyRow>, InferCreationAttributes<ApiKeyRow>> {
  declare id: string
  declare name: string
  declare hash: string
  declare prefix: string
  declare status: Key['status']
  declare is_admin: boolean
  declare model: string | null
  declare token_limit: number | null
  declare rpm: number | null
  declare expires_at: number | null
  declare allowed_endpoints: string | null
  declare budget_5h: number | null
  declare budget_day: number | null
  declare budget_month: number | null
  declare budget_is_calendar: boolean
  declare reset_at: number | null
  declare created_at: number
  declare last_used_at: number | null
  declare lifetime_tokens: number
}

const { BIGINT, BOOLEAN, INTEGER, STRING, TEXT } = DataTypes

/** A class of its own for each store: a model belongs to the database that it was last given. */
export function modelIn({ sequelize, schema }: Database): typeof ApiKeyRow {
  class ApiKeys extends ApiKeyRow {}
  return ApiKeys.init(
    {
      id: { type: STRING(26), primaryKey: true },
      name: STRING,
      hash: STRING,
      prefix: STRING,
      status: STRING,
      is_admin: BOOLEAN,
      model: STRING,
      token_limit: BIGINT,
      rpm: INTEGER,
      expires_at: BIGINT,
      allowed_endpoints: TEXT,
      budget_5h: BIGINT,
      budget_day: BIGINT,
      budget_month: BIGINT,
      budget_is_calendar: BOOLEAN,
      reset_at: BIGINT,
      created_at: BIGINT,
      last_used_at: BIGINT,
      lifetime_tokens: BIGINT,
    },
    { sequelize, tableName: 'api_keys', timestamps: false, ...(schema !== undefined && { schema }) },
  )
}

export function columnsOf(fields: Required<KeyFields>) {
  return {
    name: fields.name,
    is_admin: fields.isAdmin,
    model: fields.model,
    token_limit: fields.tokenLimit,
    rpm: fields.rpm,
    expires_at: fields.expiresAt,
    allowed_endpoints: fields.allowedEndpoints && JSON.stringify(fields.allowedEndpoints),
    budget_5h: fields.budget5h,
    budget_day: fields.budgetDay,
    budget_month: fields.budgetMonth,
    budget_is_calendar: fields.budgetIsCalendar,
  }
}

export function toKey(row: ApiKeyRow): Key {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    status: row.status,
    isAdmin: row.is_admin,
    model: row.model,
    tokenLimit: row.token_limit,
    rpm: row.rpm,
    expiresAt: row.expires_at,
    // safe: columnsOf() has written it
    allowedEndpoints: row.allowed_endpoints === null ? null : (JSON.parse(row.allowed_endpoints) as string[]),
    budget5h: row.budget_5h,
    budgetDay: row.budget_day,
    budgetMonth: row.budget_month,
    budgetIsCalendar: row.budget_is_calendar,
    resetAt: row.reset_at,
    createdAt: row.created_at,
  }
}

export function toSummary(row: ApiKeyRow): KeySummary {
  return { ...toKey(row), lifetimeTokens: row.lifetime_tokens, lastUsedAt: row.last_used_at }
}
