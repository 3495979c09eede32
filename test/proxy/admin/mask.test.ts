import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masked, maskedJson } from '../../../proxy/admin/mask.ts'

test('what stands under the name of a secret is masked, however deep and however it is written', () => {
  const secrets = [
    'secret',
    'key',
    'keys',
    'apiKey',
    'apiKeys',
    'api_key',
    'password',
    'token',
    'tokens',
    'refreshToken',
    'access_token',
    'clientSecret',
    'oauth',
    'x-api-key',
    'X-Auth-Token',
    'Authorization',
    'cookie',
    'CF-Access-Client-Secret',
  ]
  for (const name of secrets) {
    for (const value of ['s3cret', 5, ['s3cret'], { inner: 's3cret' }]) {
      assert.deepEqual(masked({ list: [{ [name]: value }] }), { list: [{ [name]: '***' }] }, name)
    }
  }
})

test('what only sounds alike stays, and so does that there was none', () => {
  const plain = {
    maskedKeys: ['sk-a***b'],
    keyId: '1',
    tokenLimit: 5,
    inputTokensPrice: 1,
    tokenUrl: 'https://x',
    keyBalance: 'random',
    monkey: 1,
  }
  assert.deepEqual(masked(plain), plain)
  const none = { apiKeys: [], secret: null, password: '', token: undefined }
  assert.deepEqual(masked(none), none)
})

test('one side of a change is JSON of at most 16 KiB, without its largest fields', () => {
  assert.equal(maskedJson({ name: 'x', key: 'k' }), '{"name":"x","key":"***"}')
  const large = { long: 'x'.repeat(20_000), name: 'x', also: 'ü'.repeat(9000), 'quo"ted': ['"'.repeat(9000)] }
  const text = maskedJson(large)
  assert.ok(text.length <= 16_384, String(text.length))
  assert.deepEqual(JSON.parse(text), { name: 'x', also: large.also, leftOut: 2 })
})

test('many small fields do not make it longer', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, nth) => [`"field"${nth}`, nth]))
  const text = maskedJson(many)
  assert.ok(text.length <= 16_384, String(text.length))
  const { leftOut, ...kept } = JSON.parse(text) as Record<string, number> // safe: compared
  assert.equal(Object.keys(kept).length + (leftOut ?? 0), 5000)
  assert.ok(Object.keys(kept).length > 500)
})

test('a field cannot change what an object is', () => {
  const text = maskedJson(JSON.parse(`{"__proto__":{"secret":"s3cret"},"long":"${'x'.repeat(20_000)}"}`) as object) // safe: an object
  assert.equal(text, '{"__proto__":{"secret":"***"},"leftOut":1}')
})
