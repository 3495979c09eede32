import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { errorCatalogue } from '../../../../proxy/domain/errors.ts'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const [, message] = errorCatalogue.model_unknown

test('a model that nobody has is told so, in the words of the API that was asked', async () => {
  const headers = { 'anthropic-version': '2023-06-01' }
  const [openai, anthropic, garbled] = await Promise.all([
    scene.ask('/v1/models/gpt-none'),
    scene.ask('/v1/models/claude-none', { headers }),
    scene.ask('/v1/models/%zz'),
  ])
  assert.deepEqual([openai.status, anthropic.status, garbled.status], [404, 404, 404])
  assert.deepEqual(json(openai.text), {
    error: { message, type: 'invalid_request_error', param: null, code: 'model_unknown' },
    code: 'model_unknown',
    message,
    request_id: openai.id,
  })
  assert.deepEqual(json(anthropic.text)['error'], { type: 'not_found_error', message })
})
