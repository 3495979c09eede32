import { z } from 'zod'
import { defaultRateLimits, type RateLimits } from '../domain/rate-limits.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done } from './schemas.ts'
import { type SettingKind, settingKind } from './setting-kind.ts'
import type { SettingParts } from './setting-operations.ts'

/** A `RateLimits`. */
const RATE_LIMITS = 'ratelimit'

const requests = z.strictObject({ enabled: z.boolean(), requestsPerMinute: z.int().min(1).max(10_000) })
const threshold = z.strictObject({ failures: z.int().min(1).max(10_000), blockMinutes: z.int().min(1).max(1440) })
const rateLimits = z.strictObject({
  api: requests.describe('Of each key that has no rpm of its own, on all replicas together'),
  portal: requests.describe('Of each key that calls the admin API, else of each address, in each process'),
  authFailure: z
    .strictObject({
      enabled: z.boolean(),
      thresholds: z
        .array(threshold)
        .min(1)
        .max(20)
        .refine(areAscending, 'Each has more failures and blocks for longer.'),
    })
    .describe('How long an address is blocked from which so many wrong keys came; AUTH_GUARD_ENABLED=false wins'),
})

/** The same setting as a document has it. */
export const rateLimitKind: SettingKind = settingKind({
  stored: RATE_LIMITS,
  schema: rateLimits,
  shown: (stored: RateLimits) => stored,
  toStored: (said) => said,
})

const described = { tag: 'Settings', access: 'admin', hasRevision: true, path: '/api/ratelimit' } as const

/** How often callers may call. */
export function rateLimitOperations({ settings }: Pick<SettingParts, 'settings'>): readonly DocumentedOperation[] {
  const read = async (): Promise<RateLimits> =>
    ((await settings.get(RATE_LIMITS)) as RateLimits | undefined) ?? defaultRateLimits // safe: written below
  return [
    operation(
      {
        ...described,
        id: 'getRateLimits',
        method: 'GET',
        summary: 'How often callers may call, and how often they may err',
        answer: rateLimits,
      },
      async () => ({ body: await read() }),
    ),
    operation(
      {
        ...described,
        id: 'setRateLimits',
        method: 'PUT',
        summary: 'Says how often callers may call, and how often they may err, whole',
        body: rateLimits,
        example: {
          api: { enabled: true, requestsPerMinute: 100 },
          portal: { enabled: false, requestsPerMinute: 60 },
          authFailure: { enabled: true, thresholds: [{ failures: 5, blockMinutes: 1 }] },
        },
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const before = await read()
        await settings.set(RATE_LIMITS, body, expectedRevision)
        return {
          body: { success: true, message: 'Rate limits set' },
          audit: { target: RATE_LIMITS, before, after: body },
        }
      },
    ),
    operation(
      {
        ...described,
        path: '/api/ratelimit/reset',
        id: 'resetRateLimits',
        method: 'POST',
        summary: 'Goes back to the limits that come with this version',
        answer: done,
      },
      async ({ expectedRevision }) => {
        const before = await read()
        await settings.remove(RATE_LIMITS, expectedRevision)
        return {
          body: { success: true, message: 'Rate limits reset' },
          audit: { target: RATE_LIMITS, before, after: defaultRateLimits },
        }
      },
    ),
  ]
}

function areAscending(thresholds: readonly z.output<typeof threshold>[]): boolean {
  return thresholds.every(({ failures, blockMinutes }, at) => {
    const before = thresholds[at - 1]
    return before === undefined || (failures > before.failures && blockMinutes > before.blockMinutes)
  })
}
