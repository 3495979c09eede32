import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyJson } from '../../../proxy/domain/key-json.ts'
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
