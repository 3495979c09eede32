import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from './ask.ts'
import { pick } from './dialogs.ts'
import type { Scene } from './scene.ts'

/** What an endpoint of OpenAI's dialect answers to a body that is none, and to one that the upstream refuses. */
export function answers400(scene: Scene, path: string, asked: object, noun: string): void {
  const message = 'The body is not a JSON object; send one with content-type application/json.'
  const refusal = {
    error: { message, type: 'invalid_request_error', param: null, code: 'json_invalid' },
    code: 'json_invalid',
    message,
  }

  const bodies: readonly (readonly [what: string, body: string | Buffer])[] = [
    ['nothing', ''],
    ['half an object', '{"model":'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['a form', 'model=gpt-fake&n=1'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ]
  for (const [what, body] of bodies) {
    test(`${what} instead of a JSON object is refused in OpenAI's shape, and no upstream hears of it`, async () => {
      const { id, status, headers, text } = await scene.ask(path, { method: 'POST', body })
      assert.equal(status, 400)
      assert.deepEqual(json(text), { ...refusal, request_id: id })
      assert.deepEqual([headers['content-type'], headers['x-request-id']], ['application/json', id])
      assert.equal(scene.seen(id), undefined)
    })
  }

  test(`what the upstream finds wrong with ${noun}, its own words say, and it costs nothing`, async () => {
    const plan = { status: 400, error: { message: 'n: must be positive', code: 'integer_below_min_value' } }
    const { id, status, text } = await scene.ask(path, { body: { ...asked, n: 0 }, plan })
    assert.equal(status, 400)
    assert.deepEqual(json(text), {
      error: { ...plan.error, type: 'invalid_request_error', param: null },
    })
    const expected = { status: 'completed', http_status: 400, metering: 'exact', spend_tokens: 0, error: null }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}
