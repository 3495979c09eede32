import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statsBody } from '../../../proxy/http/stats.ts'
import { aKey } from '../../support/a-key.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOURS_5 = 5 * 3_600_000
const window = { usedTokens: 150, startedAt: NOON, endsAt: NOON + HOURS_5, lifetimeTokens: 900, lastUsedAt: NOON + 1 }
const unused = { usedTokens: 0, startedAt: NOON, endsAt: NOON + HOURS_5, lifetimeTokens: 0, lastUsedAt: null }

test('/stats tells what system A told, by the same names', () => {
  const key = aKey({ model: 'glm-4.7', tokenLimit: 100_000, expiresAt: NOON + 1000 })
  assert.deepEqual(statsBody(key, window, undefined), {
    key: 'tg_AbCdEfG…',
    name: 'alice',
    model: 'glm-4.7',
    token_limit_per_5h: 100_000,
    expiry_date: '2030-01-01T12:00:01.000Z',
    created_at: '2030-01-01T00:00:00.000Z',
    last_used: '2030-01-01T12:00:00.001Z',
    is_expired: false,
    current_usage: {
      tokens_used_in_current_window: 150,
      window_started_at: '2030-01-01T12:00:00.000Z',
      window_ends_at: '2030-01-01T17:00:00.000Z',
      remaining_tokens: 99_850,
    },
    total_lifetime_tokens: 900,
  })
})

test('what a key does not have is null', () => {
  assert.deepEqual(statsBody(aKey(), unused, undefined), {
    key: 'tg_AbCdEfG…',
    name: 'alice',
    model: '*',
    token_limit_per_5h: null,
    expiry_date: null,
    created_at: '2030-01-01T00:00:00.000Z',
    last_used: null,
    is_expired: false,
    current_usage: {
      tokens_used_in_current_window: 0,
      window_started_at: '2030-01-01T12:00:00.000Z',
      window_ends_at: '2030-01-01T17:00:00.000Z',
      remaining_tokens: null,
    },
    total_lifetime_tokens: 0,
  })
})

test('the model is the forced one, else the default, else any', () => {
  const model = (forced: string | null, fallback: string | undefined): unknown =>
    Object.entries(statsBody(aKey({ model: forced }), unused, fallback)).find(([name]) => name === 'model')?.[1]
  assert.equal(model('glm-4.7', 'gpt-5'), 'glm-4.7')
  assert.equal(model(null, 'gpt-5'), 'gpt-5')
  assert.equal(model(null, undefined), '*')
})

test('what remains of an overdrawn limit is nothing, not less', () => {
  const body = JSON.stringify(statsBody(aKey({ tokenLimit: 100 }), window, undefined))
  assert.match(body, /"remaining_tokens":0/)
})

test('/stats never shows more of a key than its prefix', () => {
  const body = JSON.stringify(statsBody(aKey({ hash: 'f'.repeat(64) }), window, undefined))
  assert.doesNotMatch(body, /f{8}/)
})
