import { DataTypes, type InferAttributes, type InferCreationAttributes, Model, type NonAttribute } from 'sequelize'
import type { Key, KeyFields, KeySummary, StoredKey } from '../domain/key.ts'
import type { Database } from './database.ts'
import { type TenantRow, tenantModelIn, toTenant } from './tenant-row.ts'

/** A row of `api_keys`. */
export class ApiKeyRow extends Model<InferAttributes<ApiKeyRow>, InferCreationAttributes<ApiKeyRow>> {
  declare id: string
  declare name: string
  declare hash: string
  declare prefix: string
  declare previous_hash: string | null
  declare previous_until: number | null
  declare description: string
  declare status: Key['status']
  declare is_admin: boolean
  declare tenant_id: string | null
  declare is_tenant_admin: boolean
  declare model: string | null
  declare token_limit: number | null
  declare rpm: number | null
  declare expires_at: number | null
  declare allowed_endpoints: string | null
  declare allowed_models: string | null
  declare allowed_channels: string | null
  declare budget_5h: number | null
  declare budget_day: number | null
  declare budget_month: number | null
  declare budget_is_calendar: boolean
  declare reset_at: number | null
  declare created_at: number
  /** Null where a program of an earlier schema has made the key. */
  declare updated_at: number | null
  declare last_used_at: number | null
  declare lifetime_tokens: number
  /** Only where it was asked for. */
  declare tenant?: NonAttribute<TenantRow | null>
}

const { BIGINT, BOOLEAN, INTEGER, STRING, TEXT } = DataTypes

/** A class of its own for each store: a model belongs to the database that it was last given. */
export function modelIn(database: Database): typeof ApiKeyRow {
  const { sequelize, schema } = database
  class ApiKeys extends ApiKeyRow {}
  ApiKeys.init(
    {
      id: { type: STRING(26), primaryKey: true },
      name: STRING,
      hash: STRING,
      prefix: STRING,
      previous_hash: STRING,
      previous_until: BIGINT,
      description: TEXT,
      status: STRING,
      is_admin: BOOLEAN,
      tenant_id: STRING,
      is_tenant_admin: BOOLEAN,
      model: STRING,
      token_limit: BIGINT,
      rpm: INTEGER,
      expires_at: BIGINT,
      allowed_endpoints: TEXT,
      allowed_models: TEXT,
      allowed_channels: TEXT,
      budget_5h: BIGINT,
      budget_day: BIGINT,
      budget_month: BIGINT,
      budget_is_calendar: BOOLEAN,
      reset_at: BIGINT,
      created_at: BIGINT,
      updated_at: BIGINT,
      last_used_at: BIGINT,
      lifetime_tokens: BIGINT,
    },
    { sequelize, tableName: 'api_keys', timestamps: false, ...(schema !== undefined && { schema }) },
  )
  ApiKeys.belongsTo(tenantModelIn(database), { as: 'tenant', foreignKey: 'tenant_id', constraints: false })
  return ApiKeys
}

export function columnsOf(fields: Required<KeyFields>) {
  return {
    name: fields.name,
    description: fields.description,
    is_admin: fields.isAdmin,
    tenant_id: fields.tenantId,
    is_tenant_admin: fields.isTenantAdmin,
    model: fields.model,
    token_limit: fields.tokenLimit,
    rpm: fields.rpm,
    expires_at: fields.expiresAt,
    allowed_endpoints: listJson(fields.allowedEndpoints),
    allowed_models: listJson(fields.allowedModels),
    allowed_channels: listJson(fields.allowedChannels),
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
    description: row.description,
    status: row.status,
    isAdmin: row.is_admin,
    tenantId: row.tenant_id,
    isTenantAdmin: row.is_tenant_admin,
    model: row.model,
    tokenLimit: row.token_limit,
    rpm: row.rpm,
    expiresAt: row.expires_at,
    allowedEndpoints: toList(row.allowed_endpoints),
    allowedModels: toList(row.allowed_models),
    allowedChannels: toList(row.allowed_channels),
    budget5h: row.budget_5h,
    budgetDay: row.budget_day,
    budgetMonth: row.budget_month,
    budgetIsCalendar: row.budget_is_calendar,
    resetAt: row.reset_at,
    previousUntil: row.previous_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at ?? row.created_at,
  }
}

function listJson(list: readonly string[] | null): string | null {
  return list && JSON.stringify(list)
}

function toList(json: string | null): readonly string[] | null {
  return json === null ? null : (JSON.parse(json) as string[]) // safe: listJson() has written it
}

/** Of a row that was read with its tenant, as the following. */
export function toStoredKey(row: ApiKeyRow): StoredKey {
  return { ...toKey(row), tenant: tenantOf(row), hash: row.hash, previousHash: row.previous_hash }
}

export function toSummary(row: ApiKeyRow): KeySummary {
  return {
    ...toKey(row),
    tenant: tenantOf(row),
    lifetimeTokens: row.lifetime_tokens,
    lastUsedAt: row.last_used_at,
  }
}

function tenantOf({ tenant }: ApiKeyRow): KeySummary['tenant'] {
  return tenant ? toTenant(tenant) : null
}
