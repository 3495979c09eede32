import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CannotDecrypt } from '../../../proxy/domain/cipher.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { rounds } from '../../support/rounds.ts'

const OLD = Buffer.alloc(32, 1)
const NEW = Buffer.alloc(32, 2)
const PLACE = 'channel_keys.secret/channel/key'
const SECRET = 'sk-ant-api03-a-secret'

test('what was encrypted is decrypted as it was, and never looks the same twice', () => {
  const cipher = createCipher([NEW])
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, place) => {
      const sealed = cipher.encrypt(text, place)
      assert.equal(cipher.decrypt(sealed, place), text)
      assert.notEqual(cipher.encrypt(text, place), sealed)
    }),
    rounds(),
  )
})

test('the form names the version and the key, and tells nothing of key or text', () => {
  const cipher = createCipher([NEW])
  const { currentKeyId, fingerprint } = cipher
  const sealed = cipher.encrypt(SECRET, PLACE)
  assert.match(sealed, new RegExp(`^v1\\.${currentKeyId}\\.[\\w-]{16}\\.[\\w-]+$`))
  assert.equal(cipher.keyIdOf(sealed), currentKeyId)
  assert.equal(cipher.keyIdOf(SECRET), undefined)
  assert.match(fingerprint, /^[0-9a-f]{64}$/)
  for (const encoding of ['hex', 'base64url'] as const) {
    assert.ok(!`${fingerprint} ${sealed}`.includes(NEW.toString(encoding).slice(0, 16)))
  }
  assert.ok(!Buffer.from(sealed.split('.')[3] ?? '', 'base64url').includes('ant'))
})

test('a text that was encrypted by the first release is decrypted by every later one', () => {
  const sealed = 'v1.b96180ec.ae-0lqzb3htFquif.utaDGtz-UhL0CYeHERajedfPnMV4nRMW91hwOs2NaDUZZjsDJw'
  assert.equal(createCipher([OLD]).decrypt(sealed, PLACE), SECRET)
  assert.equal(createCipher([OLD]).fingerprint, 'b96180ec1599b431a01e1b7117c9faca44752dd44f2996fe35b42f7c2a728f25')
})

test('the first key encrypts, and all of them decrypt', () => {
  const [before, during, after] = [createCipher([OLD]), createCipher([NEW, OLD]), createCipher([NEW])]
  const old = before.encrypt(SECRET, PLACE)
  assert.equal(during.decrypt(old, PLACE), SECRET)
  assert.deepEqual([during.currentKeyId, during.fingerprint], [after.currentKeyId, after.fingerprint])
  assert.notEqual(before.currentKeyId, after.currentKeyId)
  assert.equal(after.decrypt(during.encrypt(SECRET, PLACE), PLACE), SECRET)
  assert.throws(() => after.decrypt(old, PLACE), {
    name: 'CannotDecrypt',
    message: `the key ${before.currentKeyId} is missing`,
  })
})

test('a text that was moved to another place is not decrypted there', () => {
  const cipher = createCipher([NEW])
  const sealed = cipher.encrypt(SECRET, PLACE)
  assert.throws(() => cipher.decrypt(sealed, 'channel_keys.secret/another/key'), CannotDecrypt)
})

test('of a text that was changed anywhere nothing is told, and it is one error', () => {
  const cipher = createCipher([NEW])
  const sealed = cipher.encrypt(SECRET, PLACE)
  fc.assert(
    fc.property(fc.nat(sealed.length - 2), fc.constantFrom('A', 'b', '0', '_', '.', ' ', 'é'), (at, letter) => {
      fc.pre(sealed[at] !== letter)
      const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1)
      assert.throws(() => cipher.decrypt(changed, PLACE), isSilent)
    }),
    rounds(),
  )
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), (length) => {
      assert.throws(() => cipher.decrypt(sealed.slice(0, length), PLACE), isSilent)
    }),
    rounds(),
  )
  for (const never of ['', SECRET, `v2${sealed.slice(2)}`, `${sealed}\n`, `\0${sealed}`]) {
    assert.throws(() => cipher.decrypt(never, PLACE), isSilent)
  }
})

function isSilent(error: unknown): boolean {
  return error instanceof CannotDecrypt && !error.message.includes('sk-ant') && !error.message.includes('v1.')
}
