import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const refusals: readonly (readonly [what: string, key: string | null, error: string, code: string])[] = [
  ['no key', null, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
  ['a blank key', '', 'API key cannot be empty', 'key_blank'],
  ['an unknown key', 'tg_no_such_key', 'Invalid API key', 'key_invalid'],
]
for (const [what, key, error, code] of refusals) {
  test(`models are not shown to ${what}, whichever API was asked`, async () => {
    const headers = { 'anthropic-version': '2023-06-01' }
    const [openai, one, anthropic] = await Promise.all([
      scene.ask('/v1/models', { key }),
      scene.ask('/v1/models/gpt-fake', { key }),
      scene.ask('/v1/models', { key, headers }),
    ])
    for (const { id, status, text } of [openai, one]) {
      assert.equal(status, 401)
      assert.deepEqual(json(text), { error, code, message: error, request_id: id })
      assert.equal(scene.seen(id), undefined)
    }
    assert.equal(anthropic.status, 401)
    assert.deepEqual(json(anthropic.text), { type: 'error', error, code, message: error, request_id: anthropic.id })
    assert.equal(scene.seen(anthropic.id), undefined)
  })
}
