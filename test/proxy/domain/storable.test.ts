import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storable } from '../../../proxy/domain/storable.ts'

test('a text from outside is bounded, of whole code points, and without a NUL', () => {
  assert.equal(storable('claude-x'), 'claude-x')
  assert.equal(storable('a\0b'), 'ab')
  assert.equal(storable('a\ud800b'), 'a\ufffdb')
  assert.equal(storable(`${'a'.repeat(254)}🦀`), `${'a'.repeat(254)}\ufffd`)
  assert.equal(storable('x'.repeat(10_000)).length, 255)
})
