import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ChainStep,
  defaultFailover,
  type FailoverAction,
  type FailoverRule,
} from '../../../proxy/domain/failover.ts'
import { createRuleTable, problemsOf } from '../../../proxy/route/rules.ts'

const step = (action: FailoverAction, waitSeconds = 0, maxAttempts = 1): ChainStep => ({
  action,
  waitSeconds,
  maxAttempts,
})
const rule = (codes: string, ...chain: readonly ChainStep[]): FailoverRule => ({ codes, chain })

/** In the words `retry 5 s × 3, failover`; undefined for what is the caller's. */
function chainOf(rules: readonly FailoverRule[], status: number, subtype?: string): string | undefined {
  const words = ({ action, waitSeconds, maxAttempts }: ChainStep): string =>
    action === 'retry' ? `retry ${waitSeconds} s × ${maxAttempts}` : action
  return createRuleTable(rules).chainOf(status, subtype)?.map(words).join(', ')
}

const defaults: readonly (readonly [status: number, subtype: string | undefined, chain: string | undefined])[] = [
  [429, 'QUOTA_EXHAUSTED', 'suspend'],
  [403, 'CREDIT_EXHAUSTED', 'suspend'],
  [429, 'model_cooldown', 'retry 0 s × 99, failover'],
  [429, 'RESOURCE_EXHAUSTED', 'retry 20 s × 99, failover'],
  [429, undefined, 'retry 5 s × 3, failover'],
  [429, 'nobody knows', 'retry 5 s × 3, failover'],
  [401, undefined, 'failover'],
  [403, undefined, 'failover'],
  [500, undefined, 'retry 5 s × 2, failover'],
  [502, undefined, 'retry 5 s × 2, failover'],
  [503, undefined, 'retry 5 s × 2, failover'],
  [504, undefined, 'retry 5 s × 2, failover'],
  [529, undefined, 'retry 5 s × 2, failover'],
  [400, undefined, undefined],
  [404, undefined, undefined],
  [413, undefined, undefined],
  [422, undefined, undefined],
  [501, undefined, undefined],
]

for (const [status, subtype, chain] of defaults) {
  test(`unless it is said otherwise, ${status}${subtype ? `:${subtype}` : ''} is ${chain ?? 'for the caller'}`, () => {
    assert.equal(chainOf(defaultFailover.rules, status, subtype), chain)
  })
}

test('a subtype wins over its status, and a status over the others, in whatever order they are written', () => {
  const rules = [rule('others', step('retry')), rule('429', step('none')), rule('429:A', step('suspend'))]
  for (const written of [rules, rules.toReversed()]) {
    assert.equal(chainOf(written, 429, 'A'), 'suspend')
    assert.equal(chainOf(written, 429, 'B'), 'none')
    assert.equal(chainOf(written, 418), 'retry 0 s × 1')
  }
})

test('codes may have spaces around them, and the first rule of a code counts', () => {
  const rules = [rule(' 401 , 403 ', step('failover')), rule('403', step('none'))]
  assert.equal(chainOf(rules, 401), 'failover')
  assert.equal(chainOf(rules, 403), 'failover')
})

test('an upstream that is overloaded has its own rule, or that of one that is away', () => {
  assert.equal(chainOf([rule('503', step('suspend')), rule('others', step('none'))], 529), 'suspend')
  assert.equal(chainOf([rule('503', step('suspend')), rule('529', step('failover'))], 529), 'failover')
  assert.equal(chainOf([rule('others', step('retry'))], 529), 'retry 0 s × 1')
})

test('what no rule names visits no other channel, whatever the catch-all says', () => {
  assert.equal(chainOf([rule('others', step('failover'))], 400), 'none')
  assert.equal(chainOf([rule('others', step('suspend'))], 400), 'none')
  assert.equal(chainOf([rule('others', step('retry', 1, 2), step('failover'))], 400), 'retry 1 s × 2, none')
})

test('the default rules are in order', () => assert.deepEqual(problemsOf(defaultFailover.rules), []))

// safe: what an administrator writes is not checked by types
const unknownAction = { ...step('none'), action: 'explode' as FailoverAction }
const wrong: readonly (readonly [rules: readonly FailoverRule[], problem: string])[] = [
  [[rule('429', unknownAction)], 'rule 1, step 1: the action "explode" is none of retry, failover, suspend, none'],
  [
    [rule('399', step('none'))],
    'rule 1: "399" is neither a status from 400 to 599, nor one with a subtype, nor "others"',
  ],
  [
    [rule('600', step('none'))],
    'rule 1: "600" is neither a status from 400 to 599, nor one with a subtype, nor "others"',
  ],
  [[rule('', step('none'))], 'rule 1: "" is neither a status from 400 to 599, nor one with a subtype, nor "others"'],
  [
    [rule('429:', step('none'))],
    'rule 1: "429:" is neither a status from 400 to 599, nor one with a subtype, nor "others"',
  ],
  [
    [rule('5xx', step('none'))],
    'rule 1: "5xx" is neither a status from 400 to 599, nor one with a subtype, nor "others"',
  ],
  [[rule('429')], 'rule 1: its chain is empty'],
  [[rule('429', step('retry', -1))], 'rule 1, step 1: waitSeconds is not from 0 to 3600'],
  [[rule('429', step('retry', 3601))], 'rule 1, step 1: waitSeconds is not from 0 to 3600'],
  [[rule('429', step('retry', Number.NaN))], 'rule 1, step 1: waitSeconds is not from 0 to 3600'],
  [[rule('429', step('none'), step('retry', 0, 0))], 'rule 1, step 2: maxAttempts is not from 1 to 99'],
  [[rule('429', step('retry', 0, 100))], 'rule 1, step 1: maxAttempts is not from 1 to 99'],
  [[rule('429', step('retry', 0, 1.5))], 'rule 1, step 1: maxAttempts is not from 1 to 99'],
  [[rule('429,429', step('none'))], 'rule 1: 429 has a rule already'],
  [[rule('429', step('none')), rule('500, 429', step('none'))], 'rule 2: 429 has a rule already'],
]

for (const [rules, problem] of wrong) {
  test(`rules are refused with "${problem}"`, () => assert.deepEqual(problemsOf(rules), [problem]))
}

test('rules may wait an hour and try 99 times', () => {
  assert.deepEqual(problemsOf([rule('400:a.b-c_D,599,others', step('retry', 3600, 99), step('none'))]), [])
})
