import type { Key, KeyUsage } from './key.ts'
import { formatUsd } from './money.ts'

/** A key as it is shown; one that was never used lacks its usage. */
export type KeyOutput = Key & Partial<Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>>

/** A key for programs: instants in ISO 8601, money as decimal USD, null for what is not limited. */
export function keyJson(key: KeyOutput): Readonly<Record<string, unknown>> {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    status: key.status,
    isAdmin: key.isAdmin,
    model: key.model,
    tokenLimit: key.tokenLimit,
    rpm: key.rpm,
    budget5hUsd: usd(key.budget5h),
    budgetDayUsd: usd(key.budgetDay),
    budgetMonthUsd: usd(key.budgetMonth),
    budgetIsCalendar: key.budgetIsCalendar,
    allowedEndpoints: key.allowedEndpoints,
    expiresAt: iso(key.expiresAt),
    createdAt: iso(key.createdAt),
    resetAt: iso(key.resetAt),
    lastUsedAt: iso(key.lastUsedAt ?? null),
    lifetimeTokens: key.lifetimeTokens ?? 0,
  }
}

/** A text: a number would be a floating-point number to who reads it. */
function usd(nanoUsd: number | null): string | null {
  return nanoUsd === null ? null : formatUsd(nanoUsd)
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
