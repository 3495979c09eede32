import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/messages/count_tokens'
const { max_tokens: _, ...body } = message

const refusals: readonly (readonly [what: string, headers: Record<string, string>, error: string, code: string])[] = [
  ['no key', {}, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
  ['a blank key', { 'x-api-key': ' ' }, 'API key cannot be empty', 'key_blank'],
  ['an unknown key', { 'x-api-key': 'tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
]
for (const [what, headers, error, code] of refusals) {
  test(`tokens are not counted for ${what}, in system A's words`, async () => {
    const { id, status, text, ...answer } = await scene.ask(path, { key: null, headers, body })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { type: 'error', error, code, message: error, request_id: id })
    assert.deepEqual([answer.headers['content-type'], answer.headers['x-request-id']], ['application/json', id])
    assert.equal(scene.seen(id), undefined)
  })
}
