import { z } from 'zod'
import { conditions } from './condition.ts'
import { flag, keyed, listOf, reference, secretKeyReference, text, texts, time, whole } from './parts.ts'
import { ruled } from './rule.ts'

const MAX_TOKENS = 1_000_000_000_000
const FIVE_HOURS_SECONDS = 18_000

/** More than nothing, less than ten million, in billionths at the smallest. */
const usd = (description: string) =>
  z
    .string()
    .max(17)
    .regex(/^([1-9][0-9]{0,6}([.][0-9]{1,9})?|0[.]0{0,8}[1-9][0-9]{0,8})$/)
    .meta({ description })

const limits = z
  .object({
    tokensPer5Hours: whole(1, MAX_TOKENS, 'Tokens in any five hours.').optional(),
    requestsPerMinute: whole(1, 1_000_000, 'Requests in a minute.').optional(),
    budget5HoursUsd: usd('Money in any five hours, in USD.').optional(),
    budgetDayUsd: usd('Money in a day, in USD.').optional(),
    budgetMonthUsd: usd('Money in a month, in USD.').optional(),
    budgetIsCalendar: flag(
      'Whether days and months are those of the calendar, in UTC; else the last 24 hours and 30 days.',
    ).optional(),
  })
  .meta({ description: 'What the key may use. What is left out is not limited.' })

const credential = ruled(
  z
    .object({
      generate: z
        .object({
          secretName: text(253, 'The Secret that is made. Default: the name of the object.').optional(),
          key: text(253, 'Its key. Default: api-key.').optional(),
        })
        .optional()
        .meta({ description: 'A secret that is made.' }),
      fromSecret: secretKeyReference(
        'A secret that is there already, from External Secrets for instance.',
        'api-key',
      ).optional(),
    })
    .meta({ description: 'Where the secret of the key comes from. Default: it is generated.' }),
  [
    {
      cel: 'has(self.generate) != has(self.fromSecret)',
      message: 'exactly one of generate and fromSecret is needed',
      holds: ({ generate, fromSecret }) => (generate === undefined) !== (fromSecret === undefined),
    },
  ],
)

const rotation = ruled(
  z
    .object({
      intervalSeconds: whole(3600, 315_360_000, 'How often the secret is replaced.').optional(),
      overlapSeconds: whole(0, 2_592_000, 'How long the one before goes on. Default: 86400.').optional(),
      trigger: text(253, 'Another word replaces the secret at once.').optional(),
    })
    .meta({ description: 'When the secret is replaced.' }),
  [
    {
      cel: '!has(self.intervalSeconds) || !has(self.overlapSeconds) || self.overlapSeconds < self.intervalSeconds',
      message: 'overlapSeconds has to be shorter than intervalSeconds',
      holds: ({ intervalSeconds, overlapSeconds }) =>
        intervalSeconds === undefined || overlapSeconds === undefined || overlapSeconds < intervalSeconds,
    },
  ],
)

/** A key that is managed by applying it. */
export const apiKeySpec = ruled(
  z
    .object({
      storeRef: ruled(reference('The store that the key opens. It cannot be changed.'), [
        { cel: 'self == oldSelf', message: 'storeRef cannot be changed; make another ApiKey' },
      ]),
      displayName: text(255, 'What the key is called in lists. Default: the name of the object.').optional(),
      description: text(1000, 'What it is for.').optional(),
      tenant: text(255, 'The tenant to which it belongs.').optional(),
      metadata: texts(32, 1024, 'Whatever else is to be remembered of it.').optional(),
      limits: limits.optional(),
      model: text(255, 'The model that every call with it gets.').optional(),
      allowedModels: listOf(
        text(255, 'A model or a pattern such as claude-*.'),
        256,
        'Models. Default: all.',
      ).optional(),
      allowedEndpoints: listOf(
        text(255, 'An endpoint.'),
        64,
        'Endpoints. Default: those that are open to every key.',
      ).optional(),
      enabled: flag('Whether calls with it are let in. Default: true.').optional(),
      expireTime: time('When it ends.').optional(),
      credential: credential.optional(),
      rotation: rotation.optional(),
      reclaimPolicy: z
        .enum(['Delete', 'Retain'])
        .optional()
        .meta({ description: 'Whether the key is revoked with the object. Default: Delete.' }),
    })
    .meta({ description: 'What the key is to be.' }),
  [
    {
      cel: '(has(self.credential) && has(self.credential.fromSecret)) == (has(oldSelf.credential) && has(oldSelf.credential.fromSecret))',
      message: 'the source of the secret cannot be changed; make another ApiKey',
    },
  ],
)

const windowUse = z.object({
  windowSeconds: whole(1, 315_360_000, `Of the window: ${FIVE_HOURS_SECONDS} for the five hours.`),
  usedTokens: whole(0, Number.MAX_SAFE_INTEGER, 'Tokens that count.'),
  resetTime: time('When it will be less.').optional(),
})

export const apiKeyStatus = z
  .object({
    observedGeneration: whole(0, Number.MAX_SAFE_INTEGER, 'The generation of the spec that this is about.').optional(),
    conditions: conditions.optional(),
    keyID: text(64, 'The id of the key in the store.').optional(),
    keyPrefix: text(32, 'How the secret begins.').optional(),
    secretName: text(253, 'The Secret with the secret.').optional(),
    observedSecretVersion: text(64, 'The version of it that was last read.').optional(),
    lastRotationTime: time('When the secret was last replaced.').optional(),
    nextRotationTime: time('When it will be.').optional(),
    previousValidUntilTime: time('Until when the one before goes on.').optional(),
    lastUsedTime: time('When a call with it came.').optional(),
    usage: keyed(windowUse, 'windowSeconds', 8, 'What is used of the limits.').optional(),
  })
  .meta({ description: 'What became of it.' })
