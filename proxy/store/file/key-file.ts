import { z } from 'zod'
import { type KeyUsage, type SecretMark, type StoredKey, UNLIMITED } from '../../domain/key.ts'
import type { SpoolMark } from '../../domain/spool-mark.ts'
import { StoreError } from '../../domain/store-error.ts'

const text = (error = 'must be a text') => z.string({ error })
const count = z.int({ error: 'must be a whole number' }).min(0, { error: 'must not be below 0' })
/** As system A reads dates: whatever `Date.parse` understands. Nothing between the quotes is no date. */
const instant = (isNeeded: boolean) =>
  text('must be a date').refine((value) => (value === '' ? !isNeeded : !Number.isNaN(Date.parse(value))), {
    error: 'must be a date such as 2030-01-31T00:00:00Z',
  })

const usageWindow = z.looseObject({ window_start: instant(true), tokens_used: count }, { error: 'must be an object' })

/** Only what a key cannot be without is asked for: people write these records by hand, and system A took them so. */
const record = z.looseObject(
  {
    key: text().min(1, { error: 'must not be empty' }),
    name: text(),
    model: text().nullish(),
    token_limit_per_5h: count.nullish(),
    expiry_date: instant(false).nullish(),
    created_at: instant(false).nullish(),
    last_used: instant(false).nullish(),
    total_lifetime_tokens: count.nullish(),
    usage_windows: z.array(usageWindow, { error: 'must be a list' }).nullish(),
  },
  { error: 'must be an object' },
)

const position = z.looseObject({ segment: count, offset: count }, { error: 'must be an object' })

const document = z.looseObject(
  {
    keys: z.array(record, { error: 'must be a list' }),
    tollgate: z
      .looseObject(
        { applied: z.record(z.string(), position, { error: 'must be an object' }).optional() },
        { error: 'must be an object' },
      )
      .optional(),
  },
  { error: 'must be an object' },
)

export type FileRecord = Readonly<z.infer<typeof record>>
export type UsageWindow = Readonly<z.infer<typeof usageWindow>>
/** System A's key file, with how far each spool is counted in it. */
export type KeyFile = Readonly<z.infer<typeof document>>

/** The sentence of a refusal names the record and the field, and never what is in them: a key may stand there. */
function invalid(path: string, problem: string): StoreError {
  return new StoreError('validation', `DATA_FILE: ${path} ${problem}`, { operation: 'read the key file' })
}

/** `path` is for the sentence that a bad file is refused with. */
export function parseKeyFile(content: string, path: string): KeyFile {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    // The parser's own message quotes the text around the mistake, and that may be a key.
    const [, at] = /position (\d+)/.exec(String(error)) ?? []
    const line = at === undefined ? '' : ` (see line ${content.slice(0, Number(at)).split('\n').length})`
    throw invalid(path, `is not JSON${line}`)
  }
  const [issue] = document.safeParse(value).error?.issues ?? []
  if (issue) throw invalid(path, `is not a key file: ${whereOf(issue.path, value)} ${issue.message}`)
  // safe: the schema has just said so. Not its own result, which would put the fields into another order.
  const file = value as KeyFile
  refuseTwins(file, path)
  return file
}

/** Two records of one key would be one key with two limits, and deleting one of them would not revoke it. */
function refuseTwins({ keys }: KeyFile, path: string): void {
  const places = new Map<string, number>()
  for (const [at, { key }] of keys.entries()) {
    const first = places.get(key)
    if (first !== undefined) {
      throw invalid(
        path,
        `is not a key file: ${labelOf(keys[first], first)} and ${labelOf(keys[at], at)} have the same key`,
      )
    }
    places.set(key, at)
  }
}

/** Which field of which record. */
function whereOf(path: readonly PropertyKey[], value: unknown): string {
  const [first, at, ...rest] = path
  if (first === undefined) return 'it'
  if (first !== 'keys' || typeof at !== 'number') return path.map(String).join('.')
  const { keys } = value as { keys: unknown[] } // safe: the schema has come as far as to its elements
  const field = rest.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  return field === '' ? labelOf(keys[at], at) : `${field.slice(1)} of ${labelOf(keys[at], at)}`
}

function labelOf(value: unknown, at: number): string {
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined
  return typeof name === 'string' && name !== '' ? `record ${at + 1} (${JSON.stringify(name)})` : `record ${at + 1}`
}

export function printKeyFile(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}

/** The file has no ids. One that is made from the hash stays while the key does, and 104 bits are enough for no two. */
export function idOf({ hash }: SecretMark): string {
  return hash.slice(0, 26).toUpperCase()
}

export function toKey(from: FileRecord, mark: SecretMark): StoredKey {
  const createdAt = toInstant(from.created_at) ?? 0
  return {
    ...UNLIMITED, // but for what system A knows
    id: idOf(mark),
    name: from.name,
    hash: mark.hash,
    previousHash: null,
    previousUntil: null,
    tenant: null,
    prefix: mark.prefix,
    status: 'active',
    model: from.model || null,
    tokenLimit: from.token_limit_per_5h ?? null,
    expiresAt: toInstant(from.expiry_date),
    resetAt: null,
    createdAt,
    updatedAt: createdAt,
  }
}

export function toInstant(date: string | null | undefined): number | null {
  return date ? Date.parse(date) : null
}

export function toUsage(from: FileRecord, usedSince: number): KeyUsage {
  const amounts = new Map<number, number>()
  for (const { window_start, tokens_used } of from.usage_windows ?? []) {
    const start = Date.parse(window_start)
    if (start >= usedSince) amounts.set(start, (amounts.get(start) ?? 0) + tokens_used)
  }
  return {
    lifetimeTokens: from.total_lifetime_tokens ?? 0,
    lastUsedAt: toInstant(from.last_used),
    minutes: [...amounts].map(([start, amount]) => ({ start, amount })).toSorted((a, b) => a.start - b.start),
  }
}

const USAGE_FIELDS = new Set(['last_used', 'total_lifetime_tokens', 'usage_windows'])

/** What the keys are, without what they have used: a text that our own writing does not change. */
export function definitionsOf({ keys }: KeyFile): string {
  return JSON.stringify(keys, (field, value: unknown) => (USAGE_FIELDS.has(field) ? undefined : value))
}

export function appliedMark(file: KeyFile, spool: string): SpoolMark | undefined {
  const applied = file.tollgate?.applied?.[spool]
  return applied && { spool, segment: applied.segment, offset: applied.offset }
}
