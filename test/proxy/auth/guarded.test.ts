import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthenticator, type KeySource } from '../../../proxy/auth/authenticate.ts'
import { createGuard } from '../../../proxy/auth/guard.ts'
import { keyRow, keyTable, nowhere, refusal } from '../../support/key-table.ts'
import { blockLevels } from '../../support/block-levels.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const SECRET = 'tg_secret'

/** An authenticator with a guard, and a hand to move its clock. */
function guarded(source: KeySource) {
  let now = 0
  const guard = createGuard({ levels: () => blockLevels, now: () => now, onBlock: () => undefined })
  const authenticator = createAuthenticator(source, () => NOON + now, guard)
  return {
    authenticator,
    wait: (ms: number) => void (now += ms),
    guess: async (secret: string, address: string | undefined, code: string, more = {}) =>
      assert.rejects(
        authenticator.authenticate(secret, () => address),
        refusal(code, more),
      ),
  }
}

test('the fifth wrong key from an address is the last one that is looked up for a minute', async () => {
  const { source, reads } = keyTable()
  const { authenticator, guess, wait } = guarded(source)
  for (let nth = 1; nth <= 5; nth++) await guess(`tg_${nth}`, '192.0.2.1', 'key_invalid')
  wait(1000)
  await guess('tg_6', '192.0.2.1', 'address_blocked', { retryAfterMs: 59_000 })
  await guess('tg_1', '::ffff:192.0.2.1', 'address_blocked')
  await guess('malformed key', '192.0.2.1', 'address_blocked')
  assert.equal(reads.length, 5)
  const { failures, blocked } = authenticator.stats()
  assert.deepEqual([failures, blocked], [5, 3])
  wait(59_000)
  await guess('tg_6', '192.0.2.1', 'key_invalid')
  await guess('tg_7', '192.0.2.1', 'address_blocked', { retryAfterMs: 60_000 })
})

test('a key that is in memory passes from a blocked address, and its address is not even looked for', async () => {
  const { source } = keyTable(keyRow(SECRET))
  const { authenticator, guess } = guarded(source)
  await authenticator.authenticate(SECRET, () => '192.0.2.1')
  for (let nth = 1; nth <= 5; nth++) await guess(`tg_${nth}`, '192.0.2.1', 'key_invalid')
  await guess('tg_6', '192.0.2.1', 'address_blocked')
  assert.equal((await authenticator.authenticate(SECRET, nowhere)).name, 'alice')
  await guess('tg_6', '192.0.2.1', 'address_blocked')
})

test('a key in memory that has to be read again is read from a blocked address, too', async () => {
  const { source, freshen } = keyTable(keyRow(SECRET))
  const { authenticator, guess } = guarded(source)
  await authenticator.authenticate(SECRET, () => '192.0.2.1')
  for (let nth = 1; nth <= 5; nth++) await guess(`tg_${nth}`, '192.0.2.1', 'key_invalid')
  freshen(false)
  assert.equal((await authenticator.authenticate(SECRET, nowhere)).name, 'alice')
})

test('a key that was never used is refused at a blocked address, and lets its holder in elsewhere', async () => {
  const { source } = keyTable(keyRow(SECRET))
  const { authenticator, guess } = guarded(source)
  for (let nth = 1; nth <= 5; nth++) await guess(`tg_${nth}`, '2001:db8:1:2::1', 'key_invalid')
  await guess(SECRET, '2001:db8:1:2:ffff::9', 'address_blocked')
  await authenticator.authenticate(SECRET, () => '2001:db8:1:3::1')
  await authenticator.authenticate(SECRET, () => '2001:db8:1:2::1')
})

const noGuesses: Readonly<Record<string, readonly [secret: string | undefined, code: string]>> = {
  'no key': [undefined, 'key_missing'],
  'a blank key': ['', 'key_blank'],
  'a key that has expired': ['expired', 'key_expired'],
  'a key that is revoked': ['revoked', 'key_revoked'],
}

for (const [what, [secret, code]] of Object.entries(noGuesses)) {
  test(`${what} is no guess`, async () => {
    const { source } = keyTable(
      keyRow('expired', { id: 'E', expiresAt: NOON }),
      keyRow('revoked', { id: 'R', status: 'revoked' }),
    )
    const { authenticator } = guarded(source)
    for (let nth = 0; nth < 30; nth++) {
      await assert.rejects(
        authenticator.authenticate(secret, () => '192.0.2.1'),
        refusal(code),
      )
    }
    assert.equal(authenticator.stats().failures, 0)
  })
}

test('a key that cannot be looked up is no guess', async () => {
  const { source } = keyTable()
  const { guess } = guarded({ ...source, findByHash: () => Promise.reject(new Error('away')) })
  for (let nth = 0; nth < 30; nth++) await guess(`tg_${nth}`, '192.0.2.1', 'storage_unavailable')
})

test('without a guard keys may be wrong as often as they like', async () => {
  const { source } = keyTable()
  const authenticator = createAuthenticator(source, () => NOON)
  for (let nth = 0; nth < 30; nth++) {
    await assert.rejects(authenticator.authenticate('tg_guess', nowhere), refusal('key_invalid'))
  }
  assert.equal(authenticator.stats().failures, 30)
})
