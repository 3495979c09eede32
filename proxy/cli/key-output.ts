import type { KeyOutput } from '../domain/key-json.ts'

/** Keys for people, in columns. */
export function keyTable(keys: readonly KeyOutput[]): string {
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

function minute(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
