import { type ChainStep, failoverActions, type FailoverRule } from '../domain/failover.ts'

/** What is done after which refusal. */
export interface RuleTable {
  /** The chain for a refusal: by its exact subtype, else by its status, else `others`; undefined is for the caller. */
  chainOf(status: number, subtype: string | undefined): readonly ChainStep[] | undefined
}

const OTHERS = 'others'
const CODE = /^[45]\d\d(?::[A-Za-z0-9_.-]{1,64})?$/
/** Anthropic's "overloaded" (https://docs.anthropic.com/en/api/errors); the rules of system C say what is meant with 503. */
const OVERLOADED = 529
const UNAVAILABLE = 503

/** Where a code is named twice the first counts. */
export function createRuleTable(rules: readonly FailoverRule[]): RuleTable {
  const chains = new Map<string, readonly ChainStep[]>()
  for (const { codes, chain } of rules) {
    for (const code of codesOf(codes)) {
      if (!chains.has(code)) chains.set(code, code === OTHERS ? withoutFanOut(chain) : chain)
    }
  }
  return {
    chainOf: (status, subtype) =>
      (subtype === undefined ? undefined : chains.get(`${status}:${subtype}`)) ??
      chains.get(String(status)) ??
      (status === OVERLOADED ? chains.get(String(UNAVAILABLE)) : undefined) ??
      chains.get(OTHERS),
  }
}

/**
 * A refusal that no rule names is most often the caller's own fault, and would be refused by every channel: it must not
 * visit them all, and least of all suspend them.
 */
function withoutFanOut(chain: readonly ChainStep[]): readonly ChainStep[] {
  return chain.map((step) => (step.action === 'retry' ? step : { ...step, action: 'none' }))
}

function codesOf(codes: string): readonly string[] {
  return codes.split(',').map((code) => code.trim())
}

const MAX_WAIT_SECONDS = 3600
const MAX_ATTEMPTS = 99

/** What is wrong with rules, in sentences. */
export function problemsOf(rules: readonly FailoverRule[]): readonly string[] {
  const seen = new Set<string>()
  return rules.flatMap(({ codes, chain }, index) => {
    const where = `rule ${index + 1}`
    const problems: string[] = []
    for (const code of codesOf(codes)) {
      if (code !== OTHERS && !CODE.test(code)) {
        problems.push(
          `${where}: ${JSON.stringify(code)} is neither a status from 400 to 599, nor one with a subtype, nor "others"`,
        )
      } else if (seen.has(code)) problems.push(`${where}: ${code} has a rule already`)
      seen.add(code)
    }
    if (chain.length === 0) problems.push(`${where}: its chain is empty`)
    return [...problems, ...chain.flatMap((step, at) => stepProblems(step, `${where}, step ${at + 1}`))]
  })
}

function stepProblems({ action, waitSeconds, maxAttempts }: ChainStep, where: string): string[] {
  const problems: string[] = []
  if (!failoverActions.includes(action)) {
    problems.push(`${where}: the action ${JSON.stringify(action)} is none of ${failoverActions.join(', ')}`)
  }
  if (!(waitSeconds >= 0 && waitSeconds <= MAX_WAIT_SECONDS)) {
    problems.push(`${where}: waitSeconds is not from 0 to ${MAX_WAIT_SECONDS}`)
  }
  if (!(Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= MAX_ATTEMPTS)) {
    problems.push(`${where}: maxAttempts is not from 1 to ${MAX_ATTEMPTS}`)
  }
  return problems
}
