import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChainStep, defaultFailover, type FailoverAction } from '../../../proxy/domain/failover.ts'
import { type Action, type Chain, createChain } from '../../../proxy/route/chain.ts'
import type { Refusal } from '../../../proxy/route/failure.ts'
import { createRuleTable } from '../../../proxy/route/rules.ts'

const step = (action: FailoverAction, waitSeconds = 0, maxAttempts = 1): ChainStep => ({
  action,
  waitSeconds,
  maxAttempts,
})

function chainWith(codes: string, ...steps: readonly ChainStep[]): Chain {
  return createChain(createRuleTable([{ codes, chain: steps }]), defaultFailover)
}

/** `5` is a retry after five seconds. */
function word(action: Action): string {
  return action.kind === 'retry' ? String(action.waitMs / 1000) : action.kind
}

function words(chain: Chain, refusal: Refusal, times: number): string {
  return Array.from({ length: times }, () => word(chain.next('one', refusal))).join(' ')
}

const defaults: readonly (readonly [refusal: Refusal, actions: string])[] = [
  [{ status: 429, subtype: 'QUOTA_EXHAUSTED' }, 'suspend suspend'],
  [{ status: 403, subtype: 'CREDIT_EXHAUSTED' }, 'suspend suspend'],
  [{ status: 429, subtype: 'model_cooldown', waitMs: 6500 }, '8 8 8 8 8 8'],
  [{ status: 429, subtype: 'model_cooldown', waitMs: 300_000 }, '60 60'],
  [{ status: 429, subtype: 'model_cooldown' }, '2 2 2'],
  [{ status: 429, subtype: 'RESOURCE_EXHAUSTED' }, '20 20 20 20 20'],
  [{ status: 429 }, '5 5 5 failover failover'],
  [{ status: 429, waitMs: 3000 }, '5 5 5 failover'],
  [{ status: 429, waitMs: 9000 }, '9 9 9 failover'],
  [{ status: 401 }, 'failover'],
  [{ status: 403 }, 'failover'],
  [{ status: 500 }, '5 5 failover'],
  [{ status: 502 }, '5 5 failover'],
  [{ status: 503 }, '5 5 failover'],
  [{ status: 504, waitMs: 30_000 }, '30 30 failover'],
  [{ status: 529 }, '5 5 failover'],
  [{ status: 400 }, 'none none'],
]

for (const [refusal, actions] of defaults) {
  test(`by default ${JSON.stringify(refusal)} is followed by ${actions}`, () => {
    const chain = createChain(createRuleTable(defaultFailover.rules), defaultFailover)
    assert.equal(words(chain, refusal, actions.split(' ').length), actions)
  })
}

const chains: Readonly<Record<string, readonly [steps: readonly ChainStep[], refusal: Refusal, actions: string]>> = {
  'two kinds of retries and then a suspension': [
    [step('retry', 1, 2), step('retry', 30, 1), step('suspend')],
    { status: 429 },
    '1 1 30 suspend suspend',
  ],
  'retries and nothing behind them': [[step('retry', 1, 2)], { status: 429 }, '1 1 none none'],
  'retries without end': [[step('retry', 1, 99), step('failover')], { status: 429 }, '1 '.repeat(150).trim()],
  'as long as the upstream says': [[step('retry', 0, 1)], { status: 429, waitMs: 1234 }, '1.234 none'],
  'as long as the upstream says, which says nothing': [[step('retry', 0, 1)], { status: 429 }, '1 none'],
  'as long as the upstream says, which says at once': [[step('retry', 0, 1)], { status: 429, waitMs: 0 }, '1 none'],
  'a resource as long as the settings say': [
    [step('retry', 0, 1)],
    { status: 429, subtype: 'RESOURCE_EXHAUSTED' },
    '20 none',
  ],
  'a cool-down that is shorter than the rule': [
    [step('retry', 10, 1)],
    { status: 429, subtype: 'model_cooldown', waitMs: 3000 },
    '10 none',
  ],
  'a cool-down that is longer than the rule': [
    [step('retry', 10, 1)],
    { status: 429, subtype: 'model_cooldown', waitMs: 15_000 },
    '16 none',
  ],
}

for (const [what, [steps, refusal, actions]] of Object.entries(chains)) {
  test(`a chain may say: ${what}`, () => {
    assert.equal(words(chainWith('429', ...steps), refusal, actions.split(' ').length), actions)
  })
}

test('each channel and key of a call is counted for itself', () => {
  const chain = chainWith('429', step('retry', 1, 2), step('failover'))
  const subjects = ['one', 'two', 'one', 'two', 'one', 'two']
  assert.deepEqual(
    subjects.map((subject) => word(chain.next(subject, { status: 429 }))),
    ['1', '1', '1', '1', 'failover', 'failover'],
  )
})

test('each rule is counted for itself, and the statuses of one rule together', () => {
  const rules = createRuleTable(defaultFailover.rules)
  const chain = createChain(rules, defaultFailover)
  const statuses = [500, 429, 503, 429, 500, 429, 429]
  assert.deepEqual(
    statuses.map((status) => word(chain.next('one', { status }))),
    ['5', '5', '5', '5', 'failover', '5', 'failover'],
  )
})

test('calls at the same time do not eat each other’s retries', () => {
  const rules = createRuleTable(defaultFailover.rules)
  const chainsOfCalls = Array.from({ length: 10 }, () => createChain(rules, defaultFailover))
  for (let round = 0; round < 3; round += 1) {
    for (const chain of chainsOfCalls) assert.equal(word(chain.next('one', { status: 429 })), '5')
  }
  for (const chain of chainsOfCalls) assert.equal(word(chain.next('one', { status: 429 })), 'failover')
})
