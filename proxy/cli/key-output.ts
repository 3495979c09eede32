import type { KeyOutput } from '../domain/key-json.ts'
import { formatUsd } from '../domain/money.ts'
import { columns } from './columns.ts'

/** Keys for people, in columns. */
export function keyTable(keys: readonly KeyOutput[]): string {
  const header = [
    'NAME',
    'PREFIX',
    'STATUS',
    'TOKENS/5H',
    'RPM',
    'BUDGET IN USD',
    'MODEL',
    'EXPIRES',
    'TOKENS USED',
    'LAST USED',
    'ID',
  ]
  const rows = keys.map((key) => [
    key.isAdmin ? `${key.name} (admin)` : key.name,
    `${key.prefix}…`,
    key.status,
    key.tokenLimit?.toLocaleString('en') ?? '-',
    key.rpm?.toLocaleString('en') ?? '-',
    budgets(key),
    key.model ?? '-',
    minute(key.expiresAt),
    (key.lifetimeTokens ?? 0).toLocaleString('en'),
    minute(key.lastUsedAt ?? null),
    key.id,
  ])
  return columns([header, ...rows])
}

/** `2.50/5h 10.00/day`; with `calendar` where days and months are the calendar's. */
function budgets({ budget5h, budgetDay, budgetMonth, budgetIsCalendar }: KeyOutput): string {
  const parts = Object.entries({ '5h': budget5h, day: budgetDay, month: budgetMonth }).flatMap(([span, nanoUsd]) =>
    nanoUsd === null ? [] : [`${formatUsd(nanoUsd)}/${span}`],
  )
  if (parts.length === 0) return '-'
  return budgetIsCalendar ? `${parts.join(' ')} calendar` : parts.join(' ')
}

function minute(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
