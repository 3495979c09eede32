import { z } from 'zod'
import type { CallSums, LogSpan, LogStatistics } from '../domain/log-statistics.ts'
import { type KeyParts, visibleKey } from './key-parts.ts'
import { keyParams } from './key-schema.ts'
import { budgetUses, shownBudgetUses, shownTokenUse, tokenUse } from './limit-use-schema.ts'
import { between, DAY_MS, NO_CALLS, spanInput, sumsOf, tokenSums } from './log-span.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso } from './schemas.ts'
import { tenantParams, visibleTenant } from './tenant-operations.ts'

export interface UsageParts extends KeyParts {
  readonly statistics: LogStatistics
}

const described = {
  access: 'tenant',
  query: spanInput.omit({ tenantId: true }).extend({ by: z.enum(['day']).optional() }),
  description:
    'A limit that there is none of is null. The sums are of the last 24 hours, if nothing is said; days are those of UTC.',
  errors: ['not_found'],
} as const

const sums = z.strictObject({ calls: z.int(), failedCalls: z.int(), ...tokenSums })
const spent = {
  timeRange: z.strictObject({ from: instant, to: instant }),
  totals: sums,
  days: z
    .array(sums.extend({ date: z.iso.date() }))
    .optional()
    .describe('With `by=day`: those that had calls'),
} as const

/** What a key or a tenant has used. */
export function usageOperations(parts: UsageParts): readonly DocumentedOperation[] {
  return [ofKey(parts), ofTenant(parts)]
}

function ofKey(parts: UsageParts): DocumentedOperation {
  return operation(
    {
      ...described,
      tag: 'Keys',
      id: 'getKeyUsage',
      method: 'GET',
      path: '/api/keys/{id}/usage',
      summary: 'How the limits of a key stand, and what its calls have used',
      params: keyParams,
      answer: z.strictObject({
        limits: z.strictObject({ tokenLimit: shownTokenUse, ...shownBudgetUses }),
        ...spent,
      }),
    },
    async ({ params: { id }, query, actor, now }) => {
      const key = await visibleKey(parts, actor, id)
      const uses = await parts.limitUsage.ofKey(key, now)
      const limits = { tokenLimit: tokenUse(uses.tokenLimit), ...budgetUses(uses) }
      return { body: { limits, ...(await spentIn(parts, query, now, { keyId: id })) } }
    },
  )
}

function ofTenant(parts: UsageParts): DocumentedOperation {
  return operation(
    {
      ...described,
      tag: 'Tenants',
      id: 'getTenantUsage',
      method: 'GET',
      path: '/api/tenants/{id}/usage',
      summary: 'How the budgets of a tenant stand, and what the calls of its keys have used',
      params: tenantParams,
      answer: z.strictObject({ limits: z.strictObject(shownBudgetUses), ...spent }),
    },
    async ({ params: { id }, query, actor, now }) => {
      const tenant = await visibleTenant(parts, actor, id)
      const uses = (await parts.limitUsage.ofTenants([tenant], now)).get(id)
      return { body: { limits: budgetUses(uses), ...(await spentIn(parts, query, now, { tenantId: id })) } }
    },
  )
}

async function spentIn(
  { statistics }: UsageParts,
  query: z.output<typeof described.query>,
  now: number,
  whose: Pick<LogSpan, 'keyId' | 'tenantId'>,
) {
  const span = { ...between(query, now, now - DAY_MS), ...whose }
  const [total = NO_CALLS] = await statistics.sums(span, 'all')
  const timeRange = { from: iso(span.from), to: iso(span.to) }
  if (query.by === undefined) return { timeRange, totals: told(total) }
  const days = await statistics.sums(span, { bucketMs: DAY_MS })
  return {
    timeRange,
    totals: told(total),
    days: days
      .toSorted((one, other) => Number(one.group) - Number(other.group))
      .map((day) => ({ date: new Date(Number(day.group)).toISOString().slice(0, 10), ...told(day) })),
  }
}

function told(calls: CallSums) {
  return { calls: calls.calls, failedCalls: calls.failedCalls, ...sumsOf(calls) }
}
