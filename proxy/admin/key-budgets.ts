import { z } from 'zod'
import { parseUsd } from '../domain/money.ts'
import type { Tenant } from '../domain/tenant.ts'

const amount = z
  .union([z.string().max(30), z.number()])
  .transform((usd) => parseUsd(String(usd)) ?? 0)
  .refine((nanoUsd) => nanoUsd > 0, 'Write USD such as "2.50": at least 0.000000001, and less than nine million.')
  .nullable()
const calendar = 'Whether days and months are those of the calendar, in UTC; else the last 24 hours and 30 days'

/** What can be said of the budgets of a key or a tenant. */
export const budgetFields = {
  budget5hUsd: amount.describe('USD in a rolling five-hour window; null is no limit'),
  budgetDayUsd: amount.describe('USD in a day'),
  budgetMonthUsd: amount.describe('USD in a month'),
  budgetIsCalendar: z.boolean().describe(calendar),
} as const

const shownAmount = z.string().nullable().describe('USD, as text: a number would be rounded by who reads it')

/** Budgets as they are shown. */
export const shownBudgets = {
  budget5hUsd: shownAmount,
  budgetDayUsd: shownAmount,
  budgetMonthUsd: shownAmount,
  budgetIsCalendar: z.boolean(),
} as const

interface SaidBudgets {
  readonly budget5hUsd?: number | null | undefined
  readonly budgetDayUsd?: number | null | undefined
  readonly budgetMonthUsd?: number | null | undefined
}
type Budgets = Pick<Tenant, 'budget5h' | 'budgetDay' | 'budgetMonth'>

/** The same by the names that the stores have, with everything else as it was said. */
export function budgetsOf<Said extends SaidBudgets>({ budget5hUsd, budgetDayUsd, budgetMonthUsd, ...rest }: Said) {
  const budgets: { [Name in keyof Budgets]: Budgets[Name] | undefined } = {
    budget5h: budget5hUsd,
    budgetDay: budgetDayUsd,
    budgetMonth: budgetMonthUsd,
  }
  return { ...rest, ...budgets }
}
