import type { ChainStep, FailoverSettings } from '../domain/failover.ts'
import type { Refusal } from './failure.ts'
import { type RuleTable } from './rules.ts'

/** What is done now. `none`: the caller gets the failure. */
export type Action =
  | { readonly kind: 'retry'; readonly waitMs: number }
  | { readonly kind: 'failover' | 'suspend' | 'none' }

/**
 * Where one call is in the chains of the rules. It belongs to the call: shared counters would let calls at the same
 * time eat each other's retries.
 */
export interface Chain {
  /** `subject` is the channel and the key that refused: each is counted for itself. */
  next(subject: string, refusal: Refusal): Action
}

const ENDLESS = 99
/** Where nobody says how long to wait, an upstream is not asked again at once. */
const UNSAID_WAIT_MS = 1000
const UNSAID_COOLDOWN_MS = 2000

export type WaitSettings = Omit<FailoverSettings, 'rules'>

export function createChain(rules: RuleTable, settings: WaitSettings): Chain {
  const counts = new Map<string, Map<readonly ChainStep[], number>>()
  return {
    next(subject, refusal) {
      const chain = rules.chainOf(refusal.status, refusal.subtype)
      if (chain === undefined) return { kind: 'none' }
      const counted = counts.get(subject) ?? new Map<readonly ChainStep[], number>()
      counts.set(subject, counted)
      const count = counted.get(chain) ?? 0
      counted.set(chain, count + 1)
      const step = stepAt(chain, count)
      if (step?.action === 'retry') return { kind: 'retry', waitMs: waitOf(step, refusal, settings) }
      return { kind: step?.action ?? 'none' }
    },
  }
}

/** The step whose turn it is after `count` failures; undefined when the chain has come to its end. */
function stepAt(chain: readonly ChainStep[], count: number): ChainStep | undefined {
  let left = count
  for (const step of chain) {
    if (step.action !== 'retry' || step.maxAttempts >= ENDLESS || left < step.maxAttempts) return step
    left -= step.maxAttempts
  }
  return undefined
}

/** An upstream that wants longer than the rule gets longer. */
function waitOf({ waitSeconds }: ChainStep, refusal: Refusal, settings: WaitSettings): number {
  const asked = askedOf(refusal, settings)
  return waitSeconds === 0 ? asked || unsaidOf(refusal, settings) : Math.max(waitSeconds * 1000, asked ?? 0)
}

/** What a model's cool-down says is rounded up and exceeded a little: it is often over a moment later than it says. */
function askedOf({ subtype, waitMs }: Refusal, settings: WaitSettings): number | undefined {
  if (waitMs === undefined || subtype !== 'model_cooldown') return waitMs
  const seconds = Math.ceil(waitMs / 1000) + settings.cooldownExtraSeconds
  return Math.min(seconds, settings.cooldownMaxWaitSeconds) * 1000
}

function unsaidOf({ subtype }: Refusal, { resourceWaitSeconds }: WaitSettings): number {
  if (subtype === 'model_cooldown') return UNSAID_COOLDOWN_MS
  return subtype === 'RESOURCE_EXHAUSTED' ? resourceWaitSeconds * 1000 : UNSAID_WAIT_MS
}
