import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import type { KeyRecord } from '../../../proxy/domain/key.ts'
import { PLAIN_TENANT, type Tenant } from '../../../proxy/domain/tenant.ts'
import type { LeasedPot } from '../../../proxy/limit/leased-pot.ts'
import { createLimiter, type Limiter } from '../../../proxy/limit/limiter.ts'
import { aKey } from '../../support/a-key.ts'

const MINUTE = 60_000
const HOURS_5 = 300 * MINUTE
const NOON = Date.UTC(2030, 0, 1, 12)

/** Of keys, and no limit of tenants. */
const defaultRpm = (): number => 3

/** At most two nano-USD, one for each token. */
const CALL = {
  bodyBytes: 1,
  maxTokens: 1,
  model: 'a-model',
  serviceTier: 'standard' as const,
  price: { input: 1_000_000, cacheRead: 0, cacheWrite: 0, output: 1_000_000 },
}

function aTenant(different: Partial<Tenant> = {}): Tenant {
  return { ...PLAIN_TENANT, id: 'T', name: 'acme', resetAt: null, createdAt: NOON, updatedAt: NOON, ...different }
}

function keyOf(tenant: Tenant, id: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return aKey({ id, tenantId: tenant.id, tenant, ...more })
}

function limiterAt(waitMs = 0): Limiter {
  return createLimiter({ waitMs, now: () => NOON, leases: undefined, defaultRpm })
}

async function spend(limiter: Limiter, key: KeyRecord, costNanoUsd: number): Promise<void> {
  const admission = await limiter.admit(key, CALL)
  admission.settle({ tokens: 1, costNanoUsd, outputTokens: 1 })
}

function isRefusal(code: string, message: RegExp, retryAfterMs?: number) {
  return (error: unknown) => {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    if (retryAfterMs !== undefined) assert.equal(error.particulars.retryAfterMs, retryAfterMs)
    return true
  }
}

test('the keys of a tenant spend its budget together, and keys of others do not', async () => {
  const limiter = limiterAt()
  const tenant = aTenant({ budget5h: 100 })
  const [one, two] = [keyOf(tenant, 'one'), keyOf(aTenant({ budget5h: 100 }), 'two')]
  await spend(limiter, one, 60)
  await spend(limiter, keyOf(aTenant({ id: 'U', budget5h: 100 }), 'stranger'), 90)
  await spend(limiter, aKey({ id: 'alone' }), 90)
  await spend(limiter, two, 40)
  const refusal = isRefusal('budget_exhausted', /of five hours that the keys of the tenant share/, HOURS_5 + MINUTE)
  for (const key of [one, two]) await assert.rejects(limiter.admit(key, CALL), refusal)
})

test('a call needs room in the budget of its key and in that of its tenant', async () => {
  const limiter = limiterAt()
  const tenant = aTenant({ budgetMonth: 1000 })
  const poor = keyOf(tenant, 'poor', { budgetDay: 10 })
  await spend(limiter, poor, 10)
  await assert.rejects(limiter.admit(poor, CALL), isRefusal('budget_exhausted', /The budget of this key is spent/))
  await spend(limiter, keyOf(tenant, 'rich'), 980)
  // What the refused call would have drawn on is as it was: there is room for ten.
  await spend(limiter, keyOf(tenant, 'rich'), 10)
  await assert.rejects(limiter.admit(keyOf(tenant, 'rich'), CALL), isRefusal('budget_exhausted', /of a month/))
})

test('calls of one key wait for what calls of another may leave of the budget of their tenant', async () => {
  const limiter = limiterAt(60_000)
  const tenant = aTenant({ budget5h: 3 })
  const first = await limiter.admit(keyOf(tenant, 'one'), CALL)
  let isIn = false
  const second = limiter.admit(keyOf(tenant, 'two'), CALL).then((admission) => {
    isIn = true
    return admission
  })
  await new Promise(setImmediate)
  assert.equal(isIn, false)
  first.release()
  const admission = await second
  admission.settle({ tokens: 2, costNanoUsd: 3, outputTokens: 1 })
  await assert.rejects(limiter.admit(keyOf(tenant, 'one'), CALL), isRefusal('budget_exhausted', /tenant/))
})

test('what was spent before a tenant had a budget, before a restart and by the dead counts against it', async () => {
  const limiter = limiterAt()
  const plain = aTenant()
  const costMinutes = [{ start: NOON - MINUTE, amount: 50 }]
  limiter.load(keyOf(plain, 'one', { tenantCosts: { costMinutes, costHours: costMinutes } }))
  await spend(limiter, keyOf(plain, 'one'), 30)
  limiter.adopt([{ keyId: 'gone', tenantId: 'T', minute: NOON, spend: 5, costNanoUsd: 20, entries: 1 }])
  await assert.rejects(
    limiter.admit(keyOf(aTenant({ budget5h: 100 }), 'one'), CALL),
    isRefusal('budget_exhausted', /tenant/, HOURS_5),
  )
  await limiter.admit(keyOf(aTenant({ budget5h: 102 }), 'two'), CALL)
})

test('a key that was moved counts to its new tenant from then on', async () => {
  const limiter = limiterAt()
  const [old, next] = [aTenant({ budget5h: 100 }), aTenant({ id: 'U', budget5h: 100 })]
  await spend(limiter, keyOf(old, 'one'), 100)
  const inFlight = await limiter.admit(keyOf(next, 'one'), CALL)
  await assert.rejects(limiter.admit(keyOf(old, 'two'), CALL), isRefusal('budget_exhausted', /tenant/))
  inFlight.settle({ tokens: 1, costNanoUsd: 100, outputTokens: 1 })
  await assert.rejects(limiter.admit(keyOf(next, 'one'), CALL), isRefusal('budget_exhausted', /tenant/))
})

test('a reset gives back what the store says that is given back', async () => {
  const limiter = limiterAt()
  await spend(limiter, keyOf(aTenant({ budget5h: 10 }), 'one'), 10)
  const reset = aTenant({ budget5h: 10, resetAt: NOON })
  await spend(limiter, keyOf(reset, 'one'), 10)
  await assert.rejects(limiter.admit(keyOf(reset, 'two'), CALL), isRefusal('budget_exhausted', /tenant/))
})

test('the keys of a tenant with a budget use only models that have a price', async () => {
  const call = { ...CALL, price: undefined }
  const key = keyOf(aTenant({ budgetDay: 1 }), 'one')
  await assert.rejects(
    limiterAt().admit(key, call),
    isRefusal('model_unpriced', /^The tenant of this key has a budget/),
  )
  await limiterAt().admit(keyOf(aTenant(), 'one'), call)
})

test('of a tenant without a budget nothing is leased, and of one with it each budget once for all its keys', async () => {
  const kept = new Set<LeasedPot>()
  const leases = { keep: (pot: LeasedPot) => void kept.add(pot), hurry: () => {} }
  const limiter = createLimiter({ waitMs: 0, now: () => NOON, leases, defaultRpm: () => null })
  const free = { tokens: 1, costNanoUsd: 1, outputTokens: 1 }
  ;(await limiter.admit(keyOf(aTenant(), 'one'), CALL)).settle(free)
  assert.equal(kept.size, 0)
  const tenant = aTenant({ budget5h: 1000, budgetMonth: 2000 })
  for (const id of ['one', 'two']) await assert.rejects(limiter.admit(keyOf(tenant, id), CALL)) // no lease yet
  assert.deepEqual(
    [...kept].map(({ subject, unit }) => [subject, unit]),
    [
      ['tenant:T', 'usd_5h'],
      ['tenant:T', 'usd_month'],
    ],
  )
  for (const pot of kept) {
    const grant = { subject: pot.subject, unit: pot.unit, granted: 500, used: 0, others: 0, endsAt: null }
    pot.grant(grant, 1, NOON)
  }
  ;(await limiter.admit(keyOf(tenant, 'two'), CALL)).settle({ ...free, costNanoUsd: 2 })
  const [pot] = kept
  assert.equal(pot?.left(NOON), 998)
  limiter.committed([{ keyId: 'two', tenantId: 'T', minute: NOON, spend: 1, costNanoUsd: 2, entries: 1 }])
  assert.deepEqual([pot.ask(NOON)?.base, pot.known().used], [0, 2])
})
