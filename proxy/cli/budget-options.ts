import { type Command, Option } from 'commander'
import type { Tenant } from '../domain/tenant.ts'
import { budget, type Limit, unless } from './option-values.ts'

export interface BudgetOptions {
  readonly budget5h?: number
  readonly budgetDay?: number
  readonly budgetMonth?: number
  readonly budgetCalendar?: true
}

/** The options of what is made with budgets. */
export function addBudgetOptions(command: Command): Command {
  return command
    .option('--budget-5h <usd>', 'USD in a rolling five-hour window; without it there is no limit', budget)
    .option('--budget-day <usd>', 'USD in a day; without it there is no limit', budget)
    .option('--budget-month <usd>', 'USD in a month; without it there is no limit', budget)
    .option(
      '--budget-calendar',
      'its days and months are those of the calendar, in UTC, and not the last 24 hours and 30 days',
    )
}

type Budgets = Pick<Tenant, 'budget5h' | 'budgetDay' | 'budgetMonth' | 'budgetIsCalendar'>

export function budgetsOf({ budget5h, budgetDay, budgetMonth, budgetCalendar }: BudgetOptions): Budgets {
  return {
    budget5h: budget5h ?? null,
    budgetDay: budgetDay ?? null,
    budgetMonth: budgetMonth ?? null,
    budgetIsCalendar: budgetCalendar ?? false,
  }
}

export interface BudgetChangeOptions {
  readonly budget5h?: Limit<number>
  readonly budgetDay?: Limit<number>
  readonly budgetMonth?: Limit<number>
  readonly budgetCalendar?: true
  readonly budgetRolling?: true
}

/** The options of what changes budgets. */
export function addBudgetChangeOptions(command: Command): Command {
  return command
    .option('--budget-5h <usd|none>', 'USD in a rolling five-hour window', unless('none', budget))
    .option('--budget-day <usd|none>', 'USD in a day', unless('none', budget))
    .option('--budget-month <usd|none>', 'USD in a month', unless('none', budget))
    .addOption(
      new Option('--budget-calendar', 'its days and months are those of the calendar, in UTC').conflicts(
        'budgetRolling',
      ),
    )
    .option('--budget-rolling', 'its days and months are the last 24 hours and 30 days')
}

export function budgetChangesOf(options: BudgetChangeOptions): Partial<Budgets> {
  const { budget5h, budgetDay, budgetMonth, budgetCalendar, budgetRolling } = options
  return {
    ...(budget5h && { budget5h: budget5h.value }),
    ...(budgetDay && { budgetDay: budgetDay.value }),
    ...(budgetMonth && { budgetMonth: budgetMonth.value }),
    ...((budgetCalendar ?? budgetRolling) && { budgetIsCalendar: budgetCalendar ?? false }),
  }
}
