import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { credentialOf, withoutCredentials } from '../../../proxy/http/credential.ts'
import { rounds } from '../../support/rounds.ts'

const keys: Readonly<Record<string, readonly [headers: IncomingHttpHeaders, search: string, key: string | undefined]>> =
  {
    'Authorization: Bearer': [{ authorization: 'Bearer tg_a' }, '', 'tg_a'],
    'Authorization: bearer': [{ authorization: 'bearer tg_a' }, '', 'tg_a'],
    'Authorization with much space': [{ authorization: 'BEARER \t tg_a ' }, '', 'tg_a'],
    'Authorization without Bearer': [{ authorization: 'tg_a' }, '', 'tg_a'],
    'a key that begins like Bearer': [{ authorization: 'bearer-of-news' }, '', 'bearer-of-news'],
    'Authorization before all others': [{ authorization: 'Bearer tg_a', 'x-api-key': 'tg_b' }, '?api_key=tg_c', 'tg_a'],
    'an empty Bearer, and nothing else then': [{ authorization: 'Bearer', 'x-api-key': 'tg_b' }, '', ''],
    'an empty Authorization': [{ authorization: '' }, '', ''],
    'Authorization of another kind, which no key is': [{ authorization: 'Basic YTpi' }, '', 'Basic YTpi'],
    'x-api-key': [{ 'x-api-key': ' tg_b ' }, '', 'tg_b'],
    'x-api-key before the query': [{ 'x-api-key': 'tg_b' }, '?api_key=tg_c', 'tg_b'],
    'an empty x-api-key': [{ 'x-api-key': '' }, '', ''],
    'the query': [{}, '?x=1&api_key=tg_c', 'tg_c'],
    'the query, with escapes': [{}, '?api%5Fkey=tg%5Fc', 'tg_c'],
    'the first of two in the query': [{}, '?api_key=tg_c&api_key=tg_d', 'tg_c'],
    'an empty one in the query': [{}, '?api_key=', ''],
    'a query without a key': [{}, '?q=api_key', undefined],
    nothing: [{}, '', undefined],
  }

for (const [where, [headers, search, key]] of Object.entries(keys)) {
  test(`the key is taken from ${where}`, () => assert.equal(credentialOf(headers, search), key))
}

const queries: Readonly<Record<string, string>> = {
  '': '',
  '?': '',
  '?api_key=tg_c': '',
  '?key=AIza': '',
  '?api_key': '',
  '?beta=true&api_key=tg_c': '?beta=true',
  '?api_key=tg_c&beta=true': '?beta=true',
  '?api_key=tg_c&beta=true&api_key=tg_d': '?beta=true',
  '?api%5Fkey=tg_c&a=1': '?a=1',
  '?%61pi_key=tg_c&k%65y=x&a=1': '?a=1',
  '?api_key=a=b&c': '?c',
  '?monkey=1&keys=2&my_api_key=3': '?monkey=1&keys=2&my_api_key=3',
  '?a=%2F+%20&b=ü&c': '?a=%2F+%20&b=ü&c',
  '?a=b=c&=d': '?a=b=c&=d',
}

for (const [search, sent] of Object.entries(queries)) {
  test(`of the query ${JSON.stringify(search)} the upstream sees ${JSON.stringify(sent)}`, () => {
    assert.equal(withoutCredentials(search), sent)
  })
}

test('whatever a query looks like, no key in it goes upstream and no other parameter is lost', () => {
  const name = fc.oneof(fc.constantFrom('api_key', 'key', 'api%5fkey', 'KEY', 'q'), fc.webQueryParameters())
  const pairs = fc.array(fc.tuple(name, fc.webQueryParameters()).map(([left, right]) => `${left}=${right}`))
  fc.assert(
    fc.property(pairs, (all) => {
      const search = `?${all.join('&')}`
      const sent = new URLSearchParams(withoutCredentials(search))
      const expected = new URLSearchParams(search)
      for (const secret of ['api_key', 'key']) expected.delete(secret)
      assert.deepEqual([...sent], [...expected])
    }),
    rounds(),
  )
})
