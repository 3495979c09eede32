import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyJson, tenantJson } from '../../../proxy/domain/key-json.ts'
import { PLAIN_TENANT } from '../../../proxy/domain/tenant.ts'
import { aKey } from '../../support/a-key.ts'

test('budgets are told as decimal texts, and what is not limited as null', () => {
  const { budget5hUsd, budgetDayUsd, budgetMonthUsd, budgetIsCalendar } = keyJson(
    aKey({ budget5h: 2_500_000_000, budgetMonth: 1, budgetIsCalendar: true }),
  )
  assert.deepEqual([budget5hUsd, budgetDayUsd, budgetMonthUsd, budgetIsCalendar], ['2.50', null, '0.000000001', true])
})

test('instants are told in ISO 8601', () => {
  const at = Date.UTC(2030, 0, 2, 3, 4, 5, 6)
  const { resetAt, createdAt, expiresAt } = keyJson(aKey({ resetAt: at, createdAt: at }))
  assert.deepEqual([resetAt, createdAt, expiresAt], ['2030-01-02T03:04:05.006Z', '2030-01-02T03:04:05.006Z', null])
})

const NOON = Date.UTC(2030, 0, 1, 12)
const named = { ...PLAIN_TENANT, id: 'T', name: 'acme', budgetDay: 125_000_000 }
const tenant = { ...named, createdAt: NOON, updatedAt: NOON + 1, resetAt: null }

test('a key is told under the names of system C, too', () => {
  const { keyPrefix, rateLimitRpm, allowedModels } = keyJson(aKey({ rpm: 60, allowedModels: ['claude-*'] }))
  assert.deepEqual([keyPrefix, rateLimitRpm, allowedModels], ['tg_AbCdEfG...', 60, ['claude-*']])
  assert.equal(keyJson(aKey())['rateLimitRpm'], 0)
})

test('a key is told with its tenant, and never with what it is found by', () => {
  const json = keyJson(aKey({ tenantId: 'T', tenant, previousHash: 'b'.repeat(64), previousUntil: NOON }))
  assert.deepEqual([json['tenantId'], json['tenant'], json['previousUntil']], ['T', 'acme', '2030-01-01T12:00:00.000Z'])
  assert.doesNotMatch(JSON.stringify(json), /[ab]{64}/)
})

test('a tenant is told as its keys are', () => {
  assert.deepEqual(tenantJson(tenant), {
    id: 'T',
    name: 'acme',
    description: '',
    status: 'active',
    budget5hUsd: null,
    budgetDayUsd: '0.125',
    budgetMonthUsd: null,
    budgetIsCalendar: false,
    createdAt: '2030-01-01T12:00:00.000Z',
    updatedAt: '2030-01-01T12:00:00.001Z',
    resetAt: null,
  })
})
