import { z } from 'zod'
import { serviceTypes } from '../domain/channel.ts'
import { tenantJson } from '../domain/key-json.ts'
import type { ReadConfiguration, SealedChannel, WholeConfiguration } from '../domain/whole-configuration.ts'
import { apiKeys, channelId, newChannel } from './channel-schema.ts'
import { viewOf } from './channel-view.ts'
import { recordId } from './key-schema.ts'
import { modelAliasLists, shownModelAliases } from './model-alias-operations.ts'
import { priceListInput, shownPrices } from './price-list.ts'
import { rateLimitKind } from './rate-limit-operations.ts'
import { instantInput, iso, line, recordOf } from './schemas.ts'
import type { SettingKind } from './setting-kind.ts'
import { debugLogKind } from './debug-log-operations.ts'
import { headerPolicyKind } from './header-operations.ts'
import { failoverKind, loadBalanceKind } from './setting-operations.ts'
import { tenantFields } from './tenant-operations.ts'
import { alias, userId } from './user-alias-operations.ts'

/** Every setting of the API, by its name in a document. */
export const settingKinds: Readonly<Record<string, SettingKind>> = {
  failover: failoverKind,
  loadBalance: loadBalanceKind,
  rateLimits: rateLimitKind,
  outboundHeaders: headerPolicyKind,
  debugLog: debugLogKind,
}

const sealed = z
  .string()
  .regex(/^v1\.[\w.-]{1,65536}$/)
  .describe('Encrypted under ENCRYPTION_KEY, for this place alone')

const channel = newChannel.extend({
  id: channelId.refine((id) => !id.startsWith('env-'), 'What begins with env- is a channel of the environment.'),
  serviceType: z.enum(serviceTypes),
  encryptedKeys: z
    .array(z.strictObject({ id: recordId, sealed, preview: line(32), createdAt: instantInput }))
    .max(1000)
    .optional(),
  encryptedOauth: sealed.nullable().optional(),
  apiKeys: apiKeys.optional().describe('In the plain, behind the encrypted ones; never exported'),
})

const settings = Object.fromEntries(Object.entries(settingKinds).map(([name, { schema }]) => [name, schema.optional()]))

/** The whole configuration, or a part of it. */
export const configDocument = z.strictObject({
  version: z.literal(1),
  createdAt: instantInput.optional(),
  revision: z.string().max(32).optional().describe('Of which it is an export; If-Match alone is compared'),
  channels: z.array(channel).max(5000).optional().describe('All there are, in their order within each pool'),
  pricing: priceListInput.optional(),
  modelAliases: modelAliasLists.optional(),
  userAliases: recordOf(userId, alias, 100_000).optional(),
  settings: z.strictObject(settings).optional().describe('One that is left out goes back to its default'),
  tenants: z
    .array(tenantFields.partial().required({ name: true }).extend({ id: recordId }))
    .max(10_000)
    .optional()
    .describe('A tenant that is not named stays'),
})
export type ConfigDocument = z.output<typeof configDocument>
export type DocumentChannel = z.output<typeof channel>

/** A document as it is exported; what it holds is what is taken. */
export const shownDocument = z.strictObject({
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  revision: z.string(),
  channels: z.array(z.looseObject({ id: z.string() })),
  pricing: z.looseObject({}),
  modelAliases: z.looseObject({}),
  userAliases: z.record(z.string(), z.string()),
  settings: z.looseObject({}),
  tenants: z.array(z.looseObject({ id: z.string() })),
})
export type ShownDocument = z.output<typeof shownDocument>

/** What `configDocument` takes to make this again. */
export function documentOf({ whole, revision }: ReadConfiguration, now: number): ShownDocument {
  return { version: 1, createdAt: iso(now), revision, ...sectionsOf(whole) }
}

export function sectionsOf(whole: WholeConfiguration) {
  const known = Object.entries(settingKinds).flatMap(([name, { stored, shown }]) => {
    const value = whole.settings.get(stored)
    return value === undefined ? [] : [[name, shown(value)] as const]
  })
  return {
    channels: whole.channels.map(channelJson),
    pricing: { models: shownPrices(whole.prices), currency: 'USD' },
    modelAliases: { ...shownModelAliases(whole.modelAliases) },
    userAliases: Object.fromEntries(whole.userAliases.map((user) => [user.userId, user.alias])),
    settings: Object.fromEntries(known),
    tenants: whole.tenants.map((tenant) => {
      const { createdAt: _created, updatedAt: _updated, resetAt: _reset, ...said } = tenantJson(tenant)
      return { ...said, id: tenant.id, name: tenant.name }
    }),
  }
}

function channelJson(stored: SealedChannel) {
  const view = viewOf(stored)
  return {
    id: stored.id,
    pool: stored.pool,
    ...view,
    quotaResetAt: iso(view.quotaResetAt),
    encryptedKeys: stored.sealedKeys.map((key) => ({ ...key, createdAt: iso(key.createdAt) })),
    encryptedOauth: stored.sealedOauth,
  }
}
