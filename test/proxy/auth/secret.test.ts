import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createSecret, hashSecret, markSecret } from '../../../proxy/auth/secret.ts'

const ALPHABET_CHARS = 62
const RANDOM_CHARS = 40

test('a secret is tg_ and 40 letters and digits, more than 160 random bits', () => {
  for (let count = 0; count < 1000; count++) assert.match(createSecret().key, /^tg_[A-Za-z0-9]{40}$/)
  assert.ok(RANDOM_CHARS * Math.log2(ALPHABET_CHARS) > 160)
})

test('no two secrets are the same, and no character is likelier than another', () => {
  const keys = Array.from({ length: 5000 }, () => createSecret().key)
  assert.equal(new Set(keys).size, keys.length)

  const seen = new Map<string, number>()
  for (const char of keys.flatMap((key) => key.slice(3).split(''))) seen.set(char, (seen.get(char) ?? 0) + 1)
  assert.equal(seen.size, ALPHABET_CHARS)
  const expected = (keys.length * RANDOM_CHARS) / ALPHABET_CHARS
  const chiSquare = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 61 degrees of freedom: by chance once in 10^9 times. A byte modulo 62 would come to about 900.
  assert.ok(chiSquare < 150, `chi-square ${chiSquare}`)
})

test('what is kept of a secret is its SHA-256 and so little of it that it cannot be guessed', () => {
  const { key, hash, prefix } = createSecret()
  assert.equal(hash, createHash('sha256').update(key).digest('hex'))
  assert.equal(hashSecret(key), hash)
  assert.equal(prefix, key.slice(0, 10))
})

test('of a shorter secret from elsewhere at most a quarter is shown', () => {
  assert.equal(markSecret('0123456789abcdef').prefix, '0123')
  assert.equal(markSecret('x'.repeat(40)).prefix, 'x'.repeat(10))
  assert.equal(markSecret('x'.repeat(512)).prefix, 'x'.repeat(10))
})
