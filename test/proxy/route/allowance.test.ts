import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowanceOf } from '../../../proxy/route/allowance.ts'

const ids = Array.from({ length: 40 }, (_, nth) => String(nth))

test('a key may use the channels of its list, however many are asked of', () => {
  const even = ids.filter((id) => Number(id) % 2 === 0)
  assert.deepEqual(ids.filter(allowanceOf(even)), even)
  assert.deepEqual(ids.filter(allowanceOf([])), [])
})

test('a key without a list may use every channel', () => {
  assert.deepEqual(ids.filter(allowanceOf(null)), ids)
})
