import assert from 'node:assert/strict'
import { test } from 'node:test'
import { translateError } from '../../../proxy/format/translate.ts'

const kinds: readonly (readonly [status: number, anthropic: string, openai: string, code: string | null])[] = [
  [400, 'invalid_request_error', 'invalid_request_error', null],
  [401, 'authentication_error', 'authentication_error', 'invalid_api_key'],
  [402, 'billing_error', 'insufficient_quota', 'insufficient_quota'],
  [403, 'permission_error', 'permission_error', null],
  [404, 'not_found_error', 'not_found_error', null],
  [413, 'request_too_large', 'request_too_large', null],
  [429, 'rate_limit_error', 'rate_limit_exceeded', 'rate_limit_exceeded'],
  [500, 'api_error', 'server_error', 'server_error'],
  [504, 'timeout_error', 'timeout', 'timeout'],
  [529, 'overloaded_error', 'server_error', 'server_is_overloaded'],
]
const message = 'Try again.'
const anthropic = (type: string) => ({ type: 'error', error: { type, message } })
const openai = (type: string, code: string | null) => ({ error: { message, type, param: null, code } })

for (const [status, type, openaiType, code] of kinds) {
  test(`an error ${status} of one provider is the same error of the other`, () => {
    const ofAnthropic = JSON.stringify(anthropic(type))
    assert.deepEqual(translateError(status, ofAnthropic, 'chat'), openai(openaiType, code))
    assert.deepEqual(translateError(status, ofAnthropic, 'responses'), openai(openaiType, code))
    const ofOpenai = JSON.stringify(openai(openaiType, code))
    assert.deepEqual(translateError(status, ofOpenai, 'messages'), anthropic(type))
    const bare = { type, message: `The upstream answered with status ${status}.` }
    assert.deepEqual(translateError(status, '', 'messages'), { type: 'error', error: bare })
  })
}

test("OpenAI's code stays where there is a place for it", () => {
  const text = JSON.stringify(openai('invalid_request_error', 'context_length_exceeded'))
  assert.deepEqual(translateError(400, text, 'responses'), openai('invalid_request_error', 'context_length_exceeded'))
})

test('what is no error body becomes a sentence with the status', () => {
  for (const text of ['', '<html>Bad gateway</html>', '[]', 'null', '{"error":7}', '{"error":{"message":null}}']) {
    const expected = { type: 'error', error: { type: 'api_error', message: 'The upstream answered with status 502.' } }
    assert.deepEqual(translateError(502, text, 'messages'), expected, text)
  }
  const { error } = translateError(422, 'x', 'chat')
  assert.deepEqual(error, {
    message: 'The upstream answered with status 422.',
    type: 'invalid_request_error',
    param: null,
    code: null,
  })
})

test('an error that is a mere string is told', () => {
  assert.deepEqual(translateError(500, '{"error":"model not loaded"}', 'messages'), {
    type: 'error',
    error: { type: 'api_error', message: 'model not loaded' },
  })
})
