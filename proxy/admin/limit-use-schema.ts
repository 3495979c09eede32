import { z } from 'zod'
import type { BudgetUses, LimitUse } from '../domain/limit-use.ts'
import { formatUsd } from '../domain/money.ts'
import { instant, iso } from './schemas.ts'

function shownUse<Amount extends z.ZodType>(amount: Amount) {
  const times = {
    startedAt: instant.describe('Of a rolling window: the oldest use that still counts'),
    endsAt: instant.describe('When that use leaves, or, once the limit is spent, when a call fits again'),
  }
  return z.strictObject({ limit: amount, used: amount, remaining: amount, ...times }).nullable()
}

export const shownTokenUse = shownUse(z.int())
const usd = shownUse(z.string().describe('USD, as text'))
export const shownBudgetUses = { budget5hUsd: usd, budgetDayUsd: usd, budgetMonthUsd: usd } as const

export function tokenUse(use: LimitUse | null): z.output<typeof shownTokenUse> {
  return use && { ...windowOf(use), limit: use.limit, used: use.used, remaining: remainingOf(use) }
}

export function budgetUses(uses: BudgetUses | undefined) {
  const { budget5h = null, budgetDay = null, budgetMonth = null } = uses ?? {}
  return { budget5hUsd: usdUse(budget5h), budgetDayUsd: usdUse(budgetDay), budgetMonthUsd: usdUse(budgetMonth) }
}

function usdUse(use: LimitUse | null): z.output<typeof usd> {
  if (use === null) return null
  const { limit, used } = use
  return { ...windowOf(use), limit: formatUsd(limit), used: formatUsd(used), remaining: formatUsd(remainingOf(use)) }
}

function remainingOf({ limit, used }: LimitUse): number {
  return Math.max(0, limit - used)
}

function windowOf({ startedAt, endsAt }: LimitUse) {
  return { startedAt: iso(startedAt), endsAt: iso(endsAt) }
}
