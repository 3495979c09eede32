import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AddressBlock,
  afterFailure,
  blockedForMs,
  FORGIVEN_AFTER_MS,
} from '../../../proxy/domain/address-block.ts'
import { blockLevels } from '../../support/block-levels.ts'

const NOW = 1_800_000_000_000
const MINUTE_MS = 60_000

const failed = (failures: number, failedAt = NOW, blockedUntil = 0): AddressBlock => ({
  failures,
  failedAt,
  blockedUntil,
})

const levels: readonly (readonly [failures: number, blockedMinutes: number])[] = [
  [1, 0],
  [4, 0],
  [5, 1],
  [6, 1],
  [9, 1],
  [10, 5],
  [19, 5],
  [20, 30],
  [1000, 30],
]

for (const [failures, minutes] of levels) {
  test(`failure ${failures} of an address blocks it for ${minutes} minutes`, () => {
    const before = failures === 1 ? undefined : failed(failures - 1)
    const block = afterFailure(before, NOW, blockLevels)
    assert.equal(block.failures, failures)
    assert.equal(blockedForMs(block, NOW), minutes * MINUTE_MS)
  })
}

test('a block is over at its last millisecond', () => {
  const block = afterFailure(failed(4), NOW, blockLevels)
  assert.equal(blockedForMs(block, NOW + MINUTE_MS - 1), 1)
  assert.equal(blockedForMs(block, NOW + MINUTE_MS), 0)
  assert.equal(blockedForMs(undefined, NOW), 0)
})

test('after an hour without a failure an address begins anew, and not earlier', () => {
  assert.equal(afterFailure(failed(19), NOW + FORGIVEN_AFTER_MS, blockLevels).failures, 20)
  assert.deepEqual(afterFailure(failed(19), NOW + FORGIVEN_AFTER_MS + 1, blockLevels), {
    failures: 1,
    failedAt: NOW + FORGIVEN_AFTER_MS + 1,
    blockedUntil: NOW + FORGIVEN_AFTER_MS + 1,
  })
})

test('one more failure never shortens a block', () => {
  assert.equal(blockedForMs(afterFailure(failed(5, NOW, NOW + 30 * MINUTE_MS), NOW, blockLevels), NOW), 30 * MINUTE_MS)
})
