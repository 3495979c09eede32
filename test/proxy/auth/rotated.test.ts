import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthenticator } from '../../../proxy/auth/authenticate.ts'
import { createGuard } from '../../../proxy/auth/guard.ts'
import { hashSecret } from '../../../proxy/auth/secret.ts'
import { PLAIN_TENANT, type Tenant } from '../../../proxy/domain/tenant.ts'
import { keyRow, keyTable, nowhere, refusal } from '../../support/key-table.ts'
import { blockLevels } from '../../support/block-levels.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOUR_MS = 3_600_000
const [OLD, NEW, LAST] = ['tg_old', 'tg_new', 'tg_last']

/** One that was given NEW at noon, while OLD goes on for an hour. */
const rotated = keyRow(NEW, { previousHash: hashSecret(OLD), previousUntil: NOON + HOUR_MS })

/** An authenticator before a table of keys, and a hand to move its clock. */
function scene(...rows: Parameters<typeof keyTable>) {
  let now = NOON
  const keys = keyTable(...rows)
  const authenticator = createAuthenticator(keys.source, () => now)
  return {
    ...keys,
    authenticator,
    wait: (ms: number) => void (now += ms),
    opens: async (secret: string) => assert.equal((await authenticator.authenticate(secret, nowhere)).id, rotated.id),
    refuses: async (secret: string) =>
      assert.rejects(
        authenticator.authenticate(secret, nowhere),
        refusal('key_invalid', { legacy: 'Invalid API key' }),
      ),
  }
}

test('two secrets open a key during the overlap of its rotation, after one look-up', async () => {
  for (const [first, second] of [
    [OLD, NEW],
    [NEW, OLD],
  ] as const) {
    const { authenticator, opens, reads } = scene(rotated)
    await opens(first)
    await opens(second)
    assert.equal(reads.length, 1)
    assert.deepEqual([...authenticator.known()], [rotated])
    assert.equal(authenticator.stats().size, 1)
  }
})

test('an old secret is refused from the moment at which its overlap is over, and nobody looks it up', async () => {
  const { opens, refuses, wait, reads, authenticator } = scene(rotated)
  await opens(OLD)
  wait(HOUR_MS - 1)
  await opens(OLD)
  wait(1)
  await refuses(OLD)
  wait(HOUR_MS)
  await refuses(OLD)
  await opens(NEW)
  assert.equal(reads.length, 1)
  assert.equal(authenticator.stats().failures, 2)
})

test('an old secret that is met after its time is refused, and looked up once', async () => {
  const { opens, refuses, wait, reads } = scene(rotated)
  wait(HOUR_MS)
  await refuses(OLD)
  await refuses(OLD)
  await opens(NEW)
  assert.equal(reads.length, 1)
})

test('an old secret whose time is over counts as a guess', async () => {
  const { source } = keyTable(rotated)
  let now = NOON
  const guard = createGuard({ levels: () => blockLevels, now: () => now, onBlock: () => undefined })
  const { authenticate } = createAuthenticator(source, () => now, guard)
  await authenticate(OLD, () => '192.0.2.1')
  now += HOUR_MS
  for (let nth = 1; nth <= 5; nth++) {
    await assert.rejects(
      authenticate(OLD, () => '192.0.2.1'),
      refusal('key_invalid'),
    )
  }
  await assert.rejects(
    authenticate(OLD, () => '192.0.2.1'),
    refusal('address_blocked'),
  )
  await authenticate(NEW, nowhere)
})

test('what is in memory of an old secret and may be too old is looked up again', async () => {
  const { opens, refuses, wait, freshen, put, reads } = scene(rotated)
  await opens(OLD)
  wait(HOUR_MS)
  freshen(false)
  await refuses(OLD)
  put({ ...rotated, previousUntil: NOON + 2 * HOUR_MS })
  await opens(OLD)
  assert.equal(reads.length, 3)
})

test('a rotation with an overlap keeps what the process has counted of a key, whichever secret it is', async () => {
  const usage = { lifetimeTokens: 5, lastUsedAt: NOON, minutes: [{ start: NOON, amount: 5 }] }
  const { authenticator, opens, refuses, put, reads } = scene(keyRow(OLD, { usage }))
  await opens(OLD)
  put(rotated)
  await authenticator.reload()
  for (const secret of [OLD, NEW]) {
    assert.deepEqual((await authenticator.authenticate(secret, nowhere)).usage, usage)
  }
  assert.equal(reads.length, 1)
  await refuses(LAST)
  put(keyRow(LAST, { previousHash: hashSecret(NEW), previousUntil: NOON + HOUR_MS }))
  await authenticator.reload()
  await opens(LAST)
  await opens(NEW)
  await refuses(OLD)
})

test('after a reload an overlap that was ended is over, and its secret may be that of another key', async () => {
  const { authenticator, opens, refuses, put } = scene(rotated)
  await opens(OLD)
  put(keyRow(NEW))
  await authenticator.reload()
  await refuses(OLD)
  await opens(NEW)
  put(keyRow(OLD, { id: 'other' }))
  await authenticator.reload()
  assert.equal((await authenticator.authenticate(OLD, nowhere)).id, 'other')
})

test('a reload forgets both secrets of a key that is gone', async () => {
  const gone = scene(rotated)
  await gone.opens(OLD)
  gone.remove(rotated)
  await gone.authenticator.reload()
  await gone.refuses(OLD)
  await gone.refuses(NEW)
  assert.equal(gone.authenticator.stats().size, 0)
})

test('after a reset a key is read anew by either secret', async () => {
  const { authenticator, opens, put, reads } = scene(rotated)
  await opens(OLD)
  put({ ...rotated, resetAt: NOON })
  await authenticator.reload()
  await opens(OLD)
  await opens(NEW)
  assert.equal(reads.length, 2)
})

test('keys of a snapshot are opened by both of their secrets', async () => {
  const { authenticator, opens, reads } = scene()
  await authenticator.preload(() => Promise.resolve([rotated]))
  await opens(OLD)
  await opens(NEW)
  assert.equal(reads.length, 0)
})

const tenant: Tenant = { ...PLAIN_TENANT, id: 'T', name: 'acme', resetAt: null, createdAt: NOON, updatedAt: NOON }
const disabled: Tenant = { ...tenant, status: 'disabled' }

test('the keys of a tenant that is disabled are refused, as soon as that is known, and let in again', async () => {
  const { authenticator, opens, put } = scene({ ...rotated, tenant })
  await opens(NEW)
  put({ ...rotated, tenant: disabled })
  await authenticator.reload()
  for (const secret of [OLD, NEW]) {
    await assert.rejects(authenticator.authenticate(secret, nowhere), refusal('tenant_disabled'))
  }
  assert.equal(authenticator.stats().failures, 0)
  put({ ...rotated, tenant })
  await authenticator.reload()
  await opens(NEW)
})

test('a key of a tenant that is disabled is told what is wrong with itself first', async () => {
  const { authenticator } = scene({ ...rotated, tenant: disabled, status: 'revoked' })
  await assert.rejects(authenticator.authenticate(NEW, nowhere), refusal('key_revoked'))
})
