import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

test('keys are listed for admin keys alone', async () => {
  const { key } = await scene.home.createKey()
  const { status, text } = await scene.ask('/api/keys', { key })
  assert.deepEqual([status, json(text)['code']], [403, 'admin_required'])
})
