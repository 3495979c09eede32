import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskedHeaders, maskedSearch } from '../../../proxy/domain/masked.ts'

test('of headers that carry secrets the values are masked, and the others are as they were', () => {
  const known = ['authorization', 'Proxy-Authorization', 'x-api-key', 'x-goog-api-key', 'cookie', 'set-cookie']
  const others = [
    'api-key',
    'x-auth-token',
    'x-amz-security-token',
    'cf-access-client-secret',
    'x-goog-iap-jwt-assertion',
  ]
  for (const name of [...known, ...others]) {
    assert.deepEqual(maskedHeaders({ [name]: 'secret' }), { [name.toLowerCase()]: '***' }, name)
    assert.deepEqual(maskedHeaders({ [name]: ['secret', 'secret'] }), { [name.toLowerCase()]: '***' }, name)
  }
  const plain = { 'anthropic-ratelimit-tokens-remaining': '5', 'x-stainless-lang': 'js', 'x-request-id': 'r1' }
  assert.deepEqual(maskedHeaders(plain), plain)
  assert.deepEqual(maskedHeaders({ accept: ['a', 'b'], 'Content-Length': 5, te: undefined }), {
    accept: 'a, b',
    'content-length': '5',
  })
})

test('of a query the values of what carries secrets are masked, however its name is written', () => {
  const queries: Readonly<Record<string, string>> = {
    '': '',
    '?': '?',
    '?beta=true&q=a%20b&&': '?beta=true&q=a%20b&&',
    '?key=s3cret': '?key=***',
    '?a=1&access_token=s3cret&b=2': '?a=1&access_token=***&b=2',
    '?%6Bey=s3cret=s3cret': '?%6Bey=***',
    '?X-Amz-Signature=s3cret': '?X-Amz-Signature=***',
    '?max_tokens=5': '?max_tokens=5',
  }
  for (const [query, masked] of Object.entries(queries)) assert.equal(maskedSearch(query), masked)
})
