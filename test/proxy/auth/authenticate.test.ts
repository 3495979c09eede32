import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthenticator, type KeySource } from '../../../proxy/auth/authenticate.ts'
import { keyRow, keyTable, nowhere, refusal } from '../../support/key-table.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const SECRET = 'tg_secret'

test('a key is looked up once and then served from memory', async () => {
  const { source, reads } = keyTable(keyRow(SECRET))
  const authenticator = createAuthenticator(source, () => NOON)
  for (let call = 0; call < 3; call++) assert.equal((await authenticator.authenticate(SECRET, nowhere)).name, 'alice')
  assert.equal(reads.length, 1)
  assert.deepEqual(authenticator.stats(), { hits: 2, misses: 1, size: 1, failures: 0, blocked: 0 })
})

test('many calls at once with a new key are one look-up', async () => {
  const { source, reads, hold } = keyTable(keyRow(SECRET))
  const authenticator = createAuthenticator(source, () => NOON)
  const release = hold()
  const calls = Array.from({ length: 50 }, () => authenticator.authenticate(SECRET, nowhere))
  release()
  assert.equal((await Promise.all(calls)).length, 50)
  assert.equal(reads.length, 1)
})

const nothing: Readonly<Record<string, readonly [credential: string | undefined, code: string, legacy: string]>> = {
  'no key': [undefined, 'key_missing', 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>'],
  'a blank key': ['', 'key_blank', 'API key cannot be empty'],
  'a key with a space': ['tg_a b', 'key_invalid', 'Invalid API key'],
  'a key with a control character': ['tg_a\u0007', 'key_invalid', 'Invalid API key'],
  'a key with a line break at its end': ['tg_a\n', 'key_invalid', 'Invalid API key'],
  'a key with a letter beyond ASCII': ['tg_ä', 'key_invalid', 'Invalid API key'],
  'a key that is too long to be one': ['x'.repeat(513), 'key_invalid', 'Invalid API key'],
}

for (const [what, [credential, code, legacy]] of Object.entries(nothing)) {
  test(`${what} is refused without a look-up`, async () => {
    const { source, reads } = keyTable()
    await assert.rejects(
      createAuthenticator(source, () => NOON).authenticate(credential, nowhere),
      refusal(code, { legacy }),
    )
    assert.equal(reads.length, 0)
  })
}

test('a key that is expired, disabled or revoked is refused, and told so', async () => {
  const expired = `API key expired on ${new Date(NOON).toISOString()}`
  const { source } = keyTable(
    keyRow('expired', { id: 'E', expiresAt: NOON }),
    keyRow('disabled', { id: 'D', status: 'disabled' }),
    keyRow('revoked', { id: 'R', status: 'revoked' }),
  )
  const { authenticate } = createAuthenticator(source, () => NOON)
  await assert.rejects(authenticate('expired', nowhere), refusal('key_expired', { message: expired, legacy: expired }))
  await assert.rejects(authenticate('disabled', nowhere), refusal('key_disabled', { legacy: undefined }))
  await assert.rejects(authenticate('revoked', nowhere), refusal('key_revoked', { legacy: undefined }))
})

test('a key expires while it is in memory', async () => {
  let now = NOON - 1
  const { authenticate } = createAuthenticator(keyTable(keyRow(SECRET, { expiresAt: NOON })).source, () => now)
  await authenticate(SECRET, nowhere)
  now += 1
  await assert.rejects(authenticate(SECRET, nowhere), refusal('key_expired'))
})

test('an unknown key is not looked up again for half a minute', async () => {
  let now = NOON
  const { source, reads } = keyTable()
  const { authenticate } = createAuthenticator(source, () => now)
  await assert.rejects(authenticate('tg_guess', nowhere), refusal('key_invalid', { legacy: 'Invalid API key' }))
  now += 29_999
  await assert.rejects(authenticate('tg_guess', nowhere), refusal('key_invalid'))
  assert.equal(reads.length, 1)
  now += 1
  await assert.rejects(authenticate('tg_guess', nowhere), refusal('key_invalid'))
  assert.equal(reads.length, 2)
})

test('no more than 10 000 unknown keys are remembered; the oldest is forgotten first', async () => {
  const { source, reads } = keyTable()
  const authenticator = createAuthenticator(source, () => NOON)
  const guess = (number: number): Promise<void> =>
    assert.rejects(authenticator.authenticate(`tg_guess_${number}`, nowhere))
  for (let number = 0; number <= 10_000; number++) await guess(number)
  const before = reads.length
  await guess(10_000)
  await guess(1)
  assert.equal(reads.length, before, 'these are remembered')
  await guess(0)
  assert.equal(reads.length, before + 1, 'this one had to make room')
  assert.equal(authenticator.stats().size, 0)
})

test('a database that is away is not an unknown key, and is asked again', async () => {
  const keys = keyTable(keyRow(SECRET))
  let isAway = true
  const source: KeySource = {
    ...keys.source,
    findByHash: (hash) => (isAway ? Promise.reject(new Error('SQLITE_IOERR')) : keys.source.findByHash(hash)),
  }
  const { authenticate } = createAuthenticator(source, () => NOON)
  await assert.rejects(authenticate(SECRET, nowhere), refusal('storage_unavailable', { retryAfterMs: 1000 }))
  isAway = false
  await authenticate(SECRET, nowhere)
})

test('a reload shows what has changed of a key, and leaves its usage to this process', async () => {
  const usage = { lifetimeTokens: 5, lastUsedAt: NOON, minutes: [{ start: NOON, amount: 5 }] }
  const keys = keyTable(keyRow(SECRET, { usage }))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  keys.put(keyRow(SECRET, { model: 'glm-4.7' }))
  await authenticator.reload()
  const key = await authenticator.authenticate(SECRET, nowhere)
  assert.deepEqual([key.model, key.usage], ['glm-4.7', usage])
  assert.equal(keys.reads.length, 1)
})

test('keys in memory are read again once for a change of a key, and not for other changes', async () => {
  const row = keyRow(SECRET)
  const table = keyTable(row)
  const authenticator = createAuthenticator(table.source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  await authenticator.refresh() // what was read before the first one may have been of any revision
  await authenticator.refresh()
  assert.equal(table.rereads(), 1)
  table.put({ ...row, status: 'disabled' })
  await authenticator.refresh()
  await authenticator.refresh()
  assert.equal(table.rereads(), 2)
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_disabled'))
})

test('after a reload a disabled key is refused, and a deleted one is unknown', async () => {
  const keys = keyTable(keyRow(SECRET), keyRow('tg_other', { id: 'other' }))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  await authenticator.authenticate('tg_other', nowhere)
  keys.put(keyRow(SECRET, { status: 'disabled' }))
  keys.remove(keyRow('tg_other', { id: 'other' }))
  await authenticator.reload()
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_disabled'))
  await assert.rejects(authenticator.authenticate('tg_other', nowhere), refusal('key_invalid'))
})

test('after a reload a new key is found, though it was unknown a moment ago', async () => {
  const keys = keyTable()
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_invalid'))
  keys.put(keyRow(SECRET))
  await authenticator.reload()
  await authenticator.authenticate(SECRET, nowhere)
})

test('a rotated key is found by its new secret only', async () => {
  const keys = keyTable(keyRow('tg_old'))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await authenticator.authenticate('tg_old', nowhere)
  keys.put(keyRow('tg_new'))
  await authenticator.reload()
  await assert.rejects(authenticator.authenticate('tg_old', nowhere), refusal('key_invalid'))
  await authenticator.authenticate('tg_new', nowhere)
})

test('what was read before a change does not outlive the reload that the change caused', async () => {
  const keys = keyTable(keyRow(SECRET))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  const release = keys.hold()
  const call = authenticator.authenticate(SECRET, nowhere) // has read that the key is active
  keys.put(keyRow(SECRET, { status: 'revoked' }))
  const reloaded = authenticator.reload()
  release()
  await reloaded
  await assert.rejects(call, refusal('key_revoked'))
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_revoked'))
})

test('a key that was made while it was looked up is found', async () => {
  const keys = keyTable()
  const authenticator = createAuthenticator(keys.source, () => NOON)
  const release = keys.hold()
  const call = authenticator.authenticate(SECRET, nowhere) // has read that there is no such key
  keys.put(keyRow(SECRET))
  const reloaded = authenticator.reload()
  release()
  await reloaded
  await call
})

test('a key that is looked up during a reload is served', async () => {
  const keys = keyTable(keyRow(SECRET), keyRow('tg_other', { id: 'other' }))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await authenticator.authenticate('tg_other', nowhere)
  const release = keys.hold()
  const reloaded = authenticator.reload()
  const call = authenticator.authenticate(SECRET, nowhere)
  release()
  await Promise.all([reloaded, call])
  await authenticator.authenticate(SECRET, nowhere)
  await authenticator.authenticate('tg_other', nowhere)
})

test('of two reloads at once the later one is what counts', async () => {
  const keys = keyTable(keyRow(SECRET))
  const authenticator = createAuthenticator(keys.source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  const release = keys.hold()
  const early = authenticator.reload() // has read that the key is active
  const releaseLater = keys.hold()
  keys.put(keyRow(SECRET, { status: 'revoked' }))
  const late = authenticator.reload()
  releaseLater()
  release()
  await Promise.all([early, late])
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_revoked'))
})

test('what is in memory and may be too old is looked up again, and is served from memory when it is fresh', async () => {
  const { source, reads, put, freshen } = keyTable(keyRow(SECRET))
  const authenticator = createAuthenticator(source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  freshen(false)
  put(keyRow(SECRET, { status: 'revoked' }))
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_revoked'))
  assert.equal(reads.length, 2)
  freshen(true)
  await assert.rejects(authenticator.authenticate(SECRET, nowhere), refusal('key_revoked'))
  assert.equal(reads.length, 2)
})

test('a reload that fails leaves the keys as they were', async () => {
  const keys = keyTable(keyRow(SECRET))
  const source: KeySource = { ...keys.source, findByIds: () => Promise.reject(new Error('SQLITE_IOERR')) }
  const authenticator = createAuthenticator(source, () => NOON)
  await authenticator.authenticate(SECRET, nowhere)
  await assert.rejects(authenticator.reload(), /SQLITE_IOERR/)
  await authenticator.authenticate(SECRET, nowhere)
})
