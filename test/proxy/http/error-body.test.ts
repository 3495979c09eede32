import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialect, Protocol } from '../../../proxy/domain/endpoint.ts'
import { type ErrorCode, errorCatalogue, GatewayError } from '../../../proxy/domain/errors.ts'
import { errorBody, errorEvent } from '../../../proxy/http/error-body.ts'

const ID = 'req-1'

/** https://docs.anthropic.com/en/api/errors and https://platform.openai.com/docs/guides/error-codes */
const types: Readonly<Partial<Record<ErrorCode, readonly [anthropic: string, openai: string]>>> = {
  json_invalid: ['invalid_request_error', 'invalid_request_error'],
  key_revoked: ['authentication_error', 'authentication_error'],
  key_disabled: ['permission_error', 'permission_error'],
  route_unknown: ['not_found_error', 'invalid_request_error'],
  method_not_allowed: ['invalid_request_error', 'invalid_request_error'],
  body_too_large: ['request_too_large', 'invalid_request_error'],
  rate_limited: ['rate_limit_error', 'rate_limit_exceeded'],
  internal: ['api_error', 'server_error'],
  upstream_unreachable: ['api_error', 'server_error'],
  overloaded: ['overloaded_error', 'server_error'],
  upstream_timeout: ['timeout_error', 'server_error'],
}

for (const [code, [anthropic, openai]] of Object.entries(types)) {
  test(`${code} is ${anthropic} for Anthropic's clients and ${openai} for OpenAI's`, () => {
    const error = new GatewayError(code as ErrorCode) // safe: a key of the table above
    const { message } = error
    const ours = { code, message, request_id: ID }
    assert.deepEqual(errorBody(error, 'anthropic', ID), { type: 'error', error: { type: anthropic, message }, ...ours })
    assert.deepEqual(errorBody(error, 'openai', ID), { error: { message, type: openai, param: null, code }, ...ours })
  })
}

test("system A's value of error stays what it was, with the code beside it", () => {
  const error = new GatewayError('key_invalid', { legacy: 'Invalid API key' })
  const body = { error: 'Invalid API key', code: 'key_invalid', message: 'Invalid API key', request_id: ID }
  assert.deepEqual(errorBody(error, 'openai', ID), body)
  assert.deepEqual(errorBody(error, 'anthropic', ID), { type: 'error', ...body })
})

test('no body tells what is only for the log', () => {
  for (const code of Object.keys(errorCatalogue)) {
    const error = new GatewayError(code as ErrorCode, { detail: 'hidden-detail', cause: new Error('hidden-cause') }) // safe: a code
    for (const dialect of ['anthropic', 'openai'] as const) {
      assert.doesNotMatch(JSON.stringify(errorBody(error, dialect, ID)), /hidden/)
      assert.doesNotMatch(errorEvent(error, dialect, 'messages', ID), /hidden/)
    }
  }
})

const events: Readonly<Record<string, readonly [Dialect, Protocol, prefix: string]>> = {
  'an error event in a stream of messages': ['anthropic', 'messages', 'event: error\ndata: {"type":"error",'],
  'a nameless event in a chat': ['openai', 'chat', 'data: {"error":{'],
  'a nameless event in a completion': ['openai', 'completions', 'data: {"error":{'],
  'an error event of responses': [
    'openai',
    'responses',
    'event: error\ndata: {"type":"error","code":"upstream_broken",',
  ],
}

for (const [what, [dialect, protocol, prefix]] of Object.entries(events)) {
  test(`a stream that fails ends with ${what}`, () => {
    const text = errorEvent(new GatewayError('upstream_broken', { message: 'two\nlines' }), dialect, protocol, ID)
    assert.ok(text.startsWith(prefix), text)
    assert.ok(text.endsWith('}\n\n'))
    assert.equal(text.split('\n\n').length, 2, 'one event')
    const data: unknown = JSON.parse(text.slice(text.indexOf('data: ') + 6))
    assert.equal((data as { request_id: string }).request_id, ID) // safe: throws where it is not
  })
}
