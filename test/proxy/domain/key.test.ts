import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Standing, standingOf } from '../../../proxy/domain/key.ts'
import { aKey } from '../../support/a-key.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

const standings: Readonly<Record<string, readonly [Parameters<typeof aKey>[0], Standing]>> = {
  'a key without an expiry': [{ expiresAt: null }, 'active'],
  'a key a millisecond before its expiry': [{ expiresAt: NOON + 1 }, 'active'],
  'a key at its expiry': [{ expiresAt: NOON }, 'expired'],
  'a disabled key': [{ status: 'disabled' }, 'disabled'],
  'a disabled key that has expired': [{ status: 'disabled', expiresAt: NOON }, 'disabled'],
  'a revoked key that has expired': [{ status: 'revoked', expiresAt: NOON }, 'revoked'],
}

for (const [what, [different, standing]] of Object.entries(standings)) {
  test(`${what} is ${standing}`, () => assert.equal(standingOf(aKey(different), NOON), standing))
}
