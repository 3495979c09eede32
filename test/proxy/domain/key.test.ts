import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashesOf, keyProblem, opens, type Standing, standingOf } from '../../../proxy/domain/key.ts'
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

const rotated = aKey({ hash: 'new', previousHash: 'old', previousUntil: NOON })

const openings: readonly (readonly [hash: string, now: number, isOpened: boolean])[] = [
  ['new', NOON - 1, true],
  ['new', NOON + 1, true],
  ['old', NOON - 1, true],
  ['old', NOON, false],
  ['older', NOON - 1, false],
]

for (const [hash, now, isOpened] of openings) {
  test(`a key that was rotated is ${isOpened ? 'opened' : 'not opened'} by its ${hash} secret ${now - NOON} ms after its overlap`, () => {
    assert.equal(opens(rotated, hash, now), isOpened)
  })
}

test('a key is found by the secrets that it has or had', () => {
  assert.deepEqual(hashesOf(rotated), ['new', 'old'])
  assert.deepEqual(hashesOf(aKey({ hash: 'only' })), ['only'])
})

const wholes: Readonly<Record<string, readonly [Parameters<typeof aKey>[0], RegExp | undefined]>> = {
  'a key': [{}, undefined],
  'an admin key with a tenant': [{ isAdmin: true, tenantId: 'T' }, undefined],
  'the admin key of a tenant': [{ isTenantAdmin: true, tenantId: 'T' }, undefined],
  'the admin key of no tenant': [{ isTenantAdmin: true }, /needs its tenant/],
  'an admin key of all and of a tenant': [{ isAdmin: true, isTenantAdmin: true, tenantId: 'T' }, /not both/],
}

for (const [what, [fields, problem]] of Object.entries(wholes)) {
  test(`${what} ${problem ? 'contradicts itself' : 'does not contradict itself'}`, () => {
    const told = keyProblem(aKey(fields))
    if (problem) assert.match(told ?? '', problem)
    else assert.equal(told, undefined)
  })
}
