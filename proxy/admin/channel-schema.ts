import { z } from 'zod'
import { balances, channelStatuses, type ServiceType, serviceTypes } from '../domain/channel.ts'
import { instant, instantInput, line, lines, pool, recordOf } from './schemas.ts'

const servedTypes = serviceTypes.filter((type) => type !== 'gemini')
const model = line(255).min(1)
const seconds = z.number().min(0.001).max(86_400)
const factor = z.number().min(0).max(1000).default(1)
export const channelId = z
  .string()
  .regex(/^[\da-z_-]{1,32}$/)
  .describe('The stable id of a channel')

/** The secret of an upstream account. It becomes the value of a header, so it must not be able to begin another one. */
const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,4096}$/, 'A key is printable ASCII without spaces, 1 to 4096 characters.')
export const apiKeys = z.array(secret).max(1000).describe('Written only: they are never shown again')

const url = z.string().max(2048)
const oauthInput = z.strictObject({
  tokenUrl: url,
  clientId: line(255).min(1),
  clientSecret: secret.nullable().default(null),
  scope: line(1000).nullable().default(null),
  refreshToken: secret,
})

const modelMapping = recordOf(model, model, 1000)
const priceMultipliers = recordOf(
  model,
  z.strictObject({
    inputMultiplier: factor,
    outputMultiplier: factor,
    cacheCreationMultiplier: factor,
    cacheReadMultiplier: factor,
  }),
  1000,
)
export const headerPolicy = z.strictObject({
  remove: z
    .array(z.string().toLowerCase())
    .max(100)
    .default([])
    .describe('Headers of callers that are not passed on; a * at the end stands for whatever follows'),
  set: recordOf(z.string().toLowerCase(), z.string(), 50).default({}).describe('Sent with every request'),
})
const compositeMappings = z.array(
  z.strictObject({
    pattern: model.describe('A part of the names of the models that go there'),
    targetChannelId: channelId,
    failoverTargets: z.array(z.strictObject({ channelId })).max(50).default([]),
    targetModel: model.nullable().default(null),
  }),
)
const filterRule = z.strictObject({ keyword: line(255).min(1), statusCode: z.int().min(400).max(599).default(429) })
const contentFilter = z
  .strictObject({ enabled: z.boolean().default(true), rules: z.array(filterRule).max(100) })
  .refine(({ enabled, rules }) => !enabled || rules.length > 0, { path: ['rules'], message: 'A filter needs a rule.' })

/** What can be said of a channel, with system C's names. */
const fields = {
  name: line(255).min(1).describe('Unique in its pool'),
  serviceType: z.enum(servedTypes),
  baseUrl: url.describe('http(s), without credentials, query and fragment; empty for a composite'),
  website: url,
  description: lines(2000),
  status: z.enum(channelStatuses),
  priority: z.int().min(0).max(1_000_000).describe('The smaller is tried first; 0 is its place in the list'),
  models: z.array(model).max(1000).describe('Globs of the models it serves; empty is all'),
  keyLoadBalance: z.enum(balances).nullable().describe('Null is as the pool'),
  modelMapping: modelMapping.describe('From the model that is asked for to the one of the upstream'),
  priceMultipliers: priceMultipliers.describe('By a model, its beginning, or _default; 0 counts as 1'),
  compositeMappings: compositeMappings.max(100),
  contentFilter: contentFilter.nullable(),
  headerPolicy,
  quotaType: z.enum(['requests', 'credit']).nullable().describe('Null is no quota'),
  quotaLimit: z.number().min(0).max(9_000_000).nullable().describe('Requests, or USD'),
  quotaModels: z.array(model).max(1000).describe('Parts of the names of the models that count; empty is all'),
  quotaResetMode: z.enum(['fixed', 'rolling']).nullable(),
  quotaResetAt: instantInput.nullable().describe('When it was or is first reset; null is never'),
  quotaResetInterval: z.int().min(1).max(10_000).nullable(),
  quotaResetUnit: z.enum(['hours', 'days', 'weeks', 'months']).nullable(),
  rateLimitRpm: z.int().min(0).max(1_000_000).describe('Requests in a minute; 0 is no limit'),
  queueEnabled: z.boolean().describe('Whether calls wait for a channel that has had its requests of the minute'),
  queueTimeout: seconds.nullable().describe('Seconds that a call waits in the queue'),
  connectTimeout: seconds.nullable().describe('Seconds; null is as the gateway is configured'),
  responseHeaderTimeout: seconds.nullable().describe('Seconds until the first byte of the answer'),
  idleTimeout: seconds.nullable().describe('Seconds in which an answer may be silent'),
  insecureSkipVerify: z.boolean().describe('Believes any certificate'),
  tlsAuthorities: z.string().max(65_536).nullable().describe('Certificates to believe, in PEM; null is the system’s'),
}

const whole = z.strictObject(fields)
const anything = whole.extend({ oauth: oauthInput.nullable() }).partial()

/** The changes of a channel: what is left out stays. */
export const channelChanges = anything
export type ChannelChangesBody = z.output<typeof channelChanges>

export const newChannel = anything
  .required({ name: true, serviceType: true })
  .extend({ pool, apiKeys: apiKeys.optional() })

/** What can be said of a channel besides its secrets, complete. */
export type ChannelView = Omit<z.output<typeof whole>, 'serviceType'> & {
  /** Also one that is not served: such a channel can be there, and cannot be made. */
  readonly serviceType: ServiceType
}

/** A channel as it is shown. */
export const shownChannel = z.strictObject({
  ...fields,
  serviceType: z.enum(serviceTypes),
  quotaResetAt: instant.nullable(),
  index: z.int().describe('Its place in the list of its pool, from 0'),
  id: z.string(),
  pool,
  fault: z.string().nullable().describe('Why it cannot serve whatever its status says'),
  isReadOnly: z.boolean().describe('It comes from the environment of the gateway'),
  promotionUntil: instant.nullable().describe('It is tried before the others until then'),
  suspendedUntil: instant.nullable(),
  suspensionReason: z.string().nullable(),
  apiKeyCount: z.int(),
  maskedKeys: z.array(z.strictObject({ index: z.int(), id: z.string(), masked: z.string() })),
  oauth: z
    .strictObject({
      tokenUrl: z.string(),
      clientId: z.string(),
      scope: z.string().nullable(),
      expiresAt: instant.nullable(),
    })
    .nullable(),
})
export type ShownChannel = z.output<typeof shownChannel>
