import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from './ask.ts'
import type { Scene } from './scene.ts'

/** What an endpoint of OpenAI's dialect answers without a good key: system A's words. */
export function answers401(scene: Scene, path: string, asked: object, noun: string): void {
  const refusals: readonly (readonly [what: string, headers: Record<string, string>, message: string, code: string])[] =
    [
      ['no key', {}, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
      ['a blank key', { authorization: 'Bearer ' }, 'API key cannot be empty', 'key_blank'],
      ['an unknown key', { authorization: 'Bearer tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
      ['an unknown x-api-key', { 'x-api-key': 'tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
    ]
  for (const [what, headers, message, code] of refusals) {
    test(`${noun} with ${what} is refused in system A's words`, async () => {
      const { id, status, text, ...answer } = await scene.ask(path, { key: null, headers, body: asked })
      assert.equal(status, 401)
      assert.deepEqual(json(text), { error: message, code, message, request_id: id })
      assert.deepEqual([answer.headers['content-type'], answer.headers['x-request-id']], ['application/json', id])
      assert.equal(scene.seen(id), undefined)
      assert.deepEqual(scene.entries(id), [])
    })
  }
}
