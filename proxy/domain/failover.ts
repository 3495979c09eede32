/** What is done after a failed attempt. `none` gives the failure to the caller. */
export const failoverActions = ['retry', 'failover', 'suspend', 'none'] as const
export type FailoverAction = (typeof failoverActions)[number]

export interface ChainStep {
  readonly action: FailoverAction
  /** How long a retry waits; 0 is as long as the upstream says. */
  readonly waitSeconds: number
  /** How often a retry is made before the next step's turn; 99 is without end. */
  readonly maxAttempts: number
}

/** `codes` are statuses (`401,403`), a status with a subtype (`429:QUOTA_EXHAUSTED`), or `others`. */
export interface FailoverRule {
  readonly codes: string
  readonly chain: readonly ChainStep[]
}

export interface FailoverSettings {
  readonly rules: readonly FailoverRule[]
  /** How long a retry after RESOURCE_EXHAUSTED waits when nothing else is said. */
  readonly resourceWaitSeconds: number
  /** Added to what a model's cool-down says, and the most that is waited for one. */
  readonly cooldownExtraSeconds: number
  readonly cooldownMaxWaitSeconds: number
}

const step = (action: FailoverAction, waitSeconds = 0, maxAttempts = 1): ChainStep => ({
  action,
  waitSeconds,
  maxAttempts,
})

/** System C's. */
export const defaultFailover: FailoverSettings = {
  rules: [
    { codes: '429:QUOTA_EXHAUSTED', chain: [step('suspend')] },
    { codes: '403:CREDIT_EXHAUSTED', chain: [step('suspend')] },
    { codes: '429:model_cooldown', chain: [step('retry', 0, 99), step('failover')] },
    { codes: '429:RESOURCE_EXHAUSTED', chain: [step('retry', 20, 99), step('failover')] },
    { codes: '429', chain: [step('retry', 5, 3), step('failover')] },
    { codes: '401,403', chain: [step('failover')] },
    { codes: '500,502,503,504', chain: [step('retry', 5, 2), step('failover')] },
  ],
  resourceWaitSeconds: 20,
  cooldownExtraSeconds: 1,
  cooldownMaxWaitSeconds: 60,
}
