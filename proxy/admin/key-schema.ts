import { z } from 'zod'
import { type KeyChanges, type KeyFields, type KeySummary, standings } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { channelId } from './channel-schema.ts'
import { given } from './given.ts'
import { budgetFields, budgetsOf, shownBudgets } from './key-budgets.ts'
import { requestInvalid } from './problems.ts'
import { instant, instantInput, line } from './schemas.ts'

const MAX_RPM = 1_000_000
export const name = line(255).min(1)
export const recordId = z.string().regex(/^[\w-]{1,26}$/)
export const keyParams = z.strictObject({ id: recordId.describe('The id of a key') })

/** An empty list of system C means what null does. */
function listOf(item: z.ZodType<string, string>) {
  return z
    .array(item)
    .max(1000)
    .nullable()
    .transform((list) => (list?.length === 0 ? null : list))
}

const endpoint = name.refine((pattern) => !pattern.slice(0, -1).includes('*'), 'A * stands at the end only.')

const fields = z.strictObject({
  name: name.describe('No two keys that are not revoked share a name'),
  description: line(1000),
  tenantId: recordId.nullable().describe('The tenant that it and its usage belong to'),
  isTenantAdmin: z.boolean().describe('It may manage the keys of its tenant, and see their usage'),
  model: name.nullable().describe('The model of all its calls, whatever the caller asks for'),
  tokenLimit: z.int().min(1).nullable().describe('Tokens in a rolling five-hour window; null is no limit'),
  rpm: z.int().min(1).max(MAX_RPM).nullable().describe('Requests per minute; null is no limit'),
  rateLimitRpm: z.int().min(0).max(MAX_RPM).describe('The same as rpm; 0 is no limit'),
  expiresAt: instantInput.nullable(),
  allowedEndpoints: listOf(endpoint).describe('messages, files/*, …; null or [] opens those that keep nothing'),
  allowedModels: listOf(name).describe('Globs; null or [] is all'),
  allowedChannels: listOf(channelId).describe('Ids of channels; null or [] is all'),
  ...budgetFields,
})

/** The changes of a key: what is left out stays. */
export const keyChanges = fields.partial()
export const newKey = keyChanges.required({ name: true }).extend({
  isAdmin: z.boolean().optional().describe('Said when a key is made, and never changed'),
})

/** A key as it is shown. */
export const shownKey = z.strictObject({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  prefix: z.string().describe('The first characters of its secret'),
  keyPrefix: z.string().describe('The same, with dots'),
  status: z.enum(['active', 'disabled', 'revoked']),
  isAdmin: z.boolean(),
  tenantId: z.string().nullable(),
  tenant: z.string().nullable().describe('The name of its tenant'),
  isTenantAdmin: z.boolean(),
  model: z.string().nullable(),
  tokenLimit: z.int().nullable(),
  rpm: z.int().nullable(),
  rateLimitRpm: z.int(),
  ...shownBudgets,
  allowedEndpoints: z.array(z.string()).nullable(),
  allowedModels: z.array(z.string()).nullable(),
  allowedChannels: z.array(z.string()).nullable(),
  expiresAt: instant.nullable(),
  previousUntil: instant.nullable().describe('Until when the secret before the last rotation opens, too'),
  createdAt: instant,
  updatedAt: instant,
  resetAt: instant.nullable().describe('When it was last given back what it had used'),
  lastUsedAt: instant.nullable(),
  lifetimeTokens: z.int(),
})

/** With its secret, which is shown this once. */
export const keyWithSecret = shownKey.extend({ key: z.string().describe('The secret; it is never shown again') })

export const keyQuery = z.strictObject({
  model: name.optional().describe('Only keys with this forced model'),
  state: z.enum(standings).optional(),
  tenant: name.optional().describe('The id or the name of a tenant; whoever administers one only sees that one'),
  search: name.optional().describe('A part of the name; small and capital letters of ASCII are alike'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
})

export function shown(key: KeySummary): z.output<typeof shownKey> {
  return keyJson(key) as z.output<typeof shownKey> // safe: every answer of a test is held against the schema
}

/** What a request says of a key. Throws `request_invalid` where it contradicts itself. */
export function saidOf(body: z.output<typeof newKey>): KeyFields
export function saidOf(body: z.output<typeof keyChanges>): KeyChanges
export function saidOf({ rateLimitRpm, ...body }: z.output<typeof keyChanges>): KeyChanges {
  if (rateLimitRpm === undefined) return given(budgetsOf(body))
  const rpm = rateLimitRpm === 0 ? null : rateLimitRpm
  if (body.rpm !== undefined && body.rpm !== rpm) {
    throw requestInvalid([{ field: 'rateLimitRpm', message: 'It contradicts rpm; send one of them.' }])
  }
  return given(budgetsOf({ ...body, rpm }))
}
