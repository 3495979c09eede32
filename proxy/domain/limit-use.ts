/** How much of a limit is used, over its window: tokens, or nano-USD. */
export interface LimitUse {
  readonly limit: number
  readonly used: number
  /** Of a rolling window: the oldest use that still counts. */
  readonly startedAt: number
  /** When that use leaves, or, once the limit is spent, when a call fits again. */
  readonly endsAt: number
}

/** Null where there is no such limit. */
export interface BudgetUses {
  readonly budget5h: LimitUse | null
  readonly budgetDay: LimitUse | null
  readonly budgetMonth: LimitUse | null
}

export interface LimitUses extends BudgetUses {
  readonly tokenLimit: LimitUse | null
}
