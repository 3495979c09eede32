import { keyJson, type KeyOutput } from '../domain/key-json.ts'
import { formatUsd } from '../domain/money.ts'
import { type KeySummary, standingOf } from '../domain/key.ts'
import { columns } from './columns.ts'
import { print, type WriteOptions } from './print.ts'

/** Keys for people, in columns. */
export function keyTable(keys: readonly KeyOutput[], now: number): string {
  const header = [
    'NAME',
    'PREFIX',
    'STATUS',
    'TENANT',
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
    standingOf(key, now),
    key.isTenantAdmin ? `${key.tenant?.name} (admin)` : (key.tenant?.name ?? '-'),
    key.tokenLimit?.toLocaleString('en') ?? '-',
    key.rpm?.toLocaleString('en') ?? '-',
    budgetText(key),
    key.model ?? '-',
    minute(key.expiresAt),
    (key.lifetimeTokens ?? 0).toLocaleString('en'),
    minute(key.lastUsedAt ?? null),
    key.id,
  ])
  return columns([header, ...rows])
}

/** Names of an earlier gateway, for what has one of ours. */
const others = new Set(['keyPrefix', 'rateLimitRpm'])

/** All that there is to say of a key, a line each. */
export function keyDetails(key: KeyOutput): string {
  const rows = Object.entries(keyJson(key)).flatMap(([name, value]) => {
    const isSaid = value !== null && value !== '' && value !== false && !others.has(name)
    const text = Array.isArray(value) ? value.join(' ') : value
    return isSaid ? [[name, typeof text === 'string' ? text : JSON.stringify(text)]] : []
  })
  return columns(rows)
}

type Budgets = Pick<KeyOutput, 'budget5h' | 'budgetDay' | 'budgetMonth' | 'budgetIsCalendar'>

/** `2.50/5h 10.00/day`; with `calendar` where days and months are the calendar's. */
export function budgetText({ budget5h, budgetDay, budgetMonth, budgetIsCalendar }: Budgets): string {
  const parts = Object.entries({ '5h': budget5h, day: budgetDay, month: budgetMonth }).flatMap(([span, nanoUsd]) =>
    nanoUsd === null ? [] : [`${formatUsd(nanoUsd)}/${span}`],
  )
  if (parts.length === 0) return '-'
  return budgetIsCalendar ? `${parts.join(' ')} calendar` : parts.join(' ')
}

function minute(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}

/** A secret alone on standard output, for scripts; it cannot be had again. */
export function tellSecret(key: KeySummary, secret: string, { json, dryRun }: WriteOptions): void {
  if (dryRun) print(json ? JSON.stringify(keyJson(key), null, 2) : `${key.name} would get a new secret.`)
  else if (json) print(JSON.stringify({ id: key.id, key: secret, ...keyJson(key) }, null, 2))
  else {
    print(secret)
    process.stderr.write(`This is the key of ${key.name}. Keep it now: it cannot be shown again.\n`)
  }
}
