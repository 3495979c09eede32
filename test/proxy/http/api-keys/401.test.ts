import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

test('without a key no keys are listed', async () => {
  for (const [key, code] of [
    [null, 'key_missing'],
    ['tg_no_such_key', 'key_invalid'],
  ] as const) {
    const { status, text } = await scene.ask('/api/keys', { key })
    assert.deepEqual([status, json(text)['code']], [401, code])
  }
})
