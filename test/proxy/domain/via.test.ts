import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoop, ownVia } from '../../../proxy/domain/via.ts'

test('each gateway adds itself, and the fourth says that it is a circle', () => {
  let via: string | undefined
  const seen: boolean[] = []
  for (let hop = 0; hop < 4; hop++) {
    seen.push(isLoop(via))
    via = ownVia(via)
  }
  assert.deepEqual(seen, [false, false, false, true])
})

test('what other proxies have added neither counts nor goes on', () => {
  assert.equal(isLoop('1.1 google, 1.1 varnish, 2 cloudfront, 1.0 fred'), false)
  assert.equal(ownVia('1.1 google, 1.1 tollgate'), '1.1 tollgate, 1.1 tollgate')
})

test('what comes back is bounded, however long it is', () => {
  assert.equal(ownVia('1.1 tollgate, '.repeat(1000)).split(',').length, 4)
})
