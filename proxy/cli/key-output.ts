import type { Key } from '../domain/key.ts'

type Printable = Key & { readonly lifetimeTokens?: number; readonly lastUsedAt?: number | null }

/** A key for programs: instants in ISO 8601, null for what is not limited. */
export function keyJson(key: Printable): Readonly<Record<string, unknown>> {
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

/** Keys for people, in columns. */
export function keyTable(keys: readonly Printable[]): string {
  const header = ['NAME', 'PREFIX', 'STATUS', 'TOKENS/5H', 'RPM', 'MODEL', 'EXPIRES', 'TOKENS USED', 'LAST USED', 'ID']
  const rows = keys.map((key) => [
    key.isAdmin ? `${key.name} (admin)` : key.name,
    `${key.prefix}…`,
    key.status,
    key.tokenLimit?.toLocaleString('en') ?? '-',
    key.rpm?.toLocaleString('en') ?? '-',
    key.model ?? '-',
    minute(key.expiresAt),
    (key.lifetimeTokens ?? 0).toLocaleString('en'),
    minute(key.lastUsedAt ?? null),
    key.id,
  ])
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)))
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

function minute(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
