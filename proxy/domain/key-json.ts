import type { Key, KeyUsage } from './key.ts'

/** A key as it is shown; one that was never used lacks its usage. */
export type KeyOutput = Key & Partial<Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>>

/** A key for programs: instants in ISO 8601, null for what is not limited. */
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
    allowedEndpoints: key.allowedEndpoints,
    expiresAt: iso(key.expiresAt),
    createdAt: iso(key.createdAt),
    lastUsedAt: iso(key.lastUsedAt ?? null),
    lifetimeTokens: key.lifetimeTokens ?? 0,
  }
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
