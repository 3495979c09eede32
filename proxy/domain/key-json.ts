import type { Key, KeyUsage } from './key.ts'
import { formatUsd } from './money.ts'
import type { Tenant } from './tenant.ts'

/** A key as it is shown; one that was never used lacks its usage. */
export type KeyOutput = Key & { readonly tenant: Tenant | null } & Partial<
    Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>
  >

type Json = Readonly<Record<string, unknown>>

/**
 * A key for programs: instants in ISO 8601, money as decimal USD, null for what is not limited. `keyPrefix` and
 * `rateLimitRpm`, where 0 is no limit, are system C's names for `prefix` and `rpm`.
 */
export function keyJson(key: KeyOutput): Json {
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    prefix: key.prefix,
    keyPrefix: `${key.prefix}...`,
    status: key.status,
    isAdmin: key.isAdmin,
    tenantId: key.tenantId,
    tenant: key.tenant?.name ?? null,
    isTenantAdmin: key.isTenantAdmin,
    model: key.model,
    tokenLimit: key.tokenLimit,
    rpm: key.rpm,
    rateLimitRpm: key.rpm ?? 0,
    ...budgetsJson(key),
    allowedEndpoints: key.allowedEndpoints,
    allowedModels: key.allowedModels,
    allowedChannels: key.allowedChannels,
    expiresAt: iso(key.expiresAt),
    previousUntil: iso(key.previousUntil),
    createdAt: iso(key.createdAt),
    updatedAt: iso(key.updatedAt),
    resetAt: iso(key.resetAt),
    lastUsedAt: iso(key.lastUsedAt ?? null),
    lifetimeTokens: key.lifetimeTokens ?? 0,
  }
}

/** Likewise a tenant. */
export function tenantJson(tenant: Tenant): Json {
  return {
    id: tenant.id,
    name: tenant.name,
    description: tenant.description,
    status: tenant.status,
    ...budgetsJson(tenant),
    createdAt: iso(tenant.createdAt),
    updatedAt: iso(tenant.updatedAt),
    resetAt: iso(tenant.resetAt),
  }
}

type Budgets = Pick<Tenant, 'budget5h' | 'budgetDay' | 'budgetMonth' | 'budgetIsCalendar'>

function budgetsJson({ budget5h, budgetDay, budgetMonth, budgetIsCalendar }: Budgets): Json {
  return {
    budget5hUsd: usd(budget5h),
    budgetDayUsd: usd(budgetDay),
    budgetMonthUsd: usd(budgetMonth),
    budgetIsCalendar,
  }
}

/** A text: a number would be a floating-point number to who reads it. */
function usd(nanoUsd: number | null): string | null {
  return nanoUsd === null ? null : formatUsd(nanoUsd)
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
