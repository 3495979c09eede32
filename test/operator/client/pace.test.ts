import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from '../../../operator/client/pace.ts'

test('so many calls go at once, the next one waits for its turn, and who is told to stop waits no longer', async () => {
  const pace = createPace(0.001, 3)
  for (let call = 0; call < 3; call += 1) await pace()
  const stopping = new AbortController()
  const fourth = pace(stopping.signal)
  stopping.abort(new Error('this replica leads no more'))
  await assert.rejects(fourth, /leads no more/)
})

test('whoever has waited goes on', async () => {
  const pace = createPace(1000, 1)
  await Promise.all([pace(), pace(), pace()])
})
