import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorCatalogue, GatewayError } from '../../../proxy/domain/errors.ts'

test('every error has a status and a sentence for people', () => {
  for (const [code, [status, sentence]] of Object.entries(errorCatalogue)) {
    assert.match(code, /^[a-z]+(?:_[a-z]+)*$/)
    assert.ok(status >= 400 && status < 600, code)
    assert.match(sentence, /^[A-Z]/, code)
    assert.deepEqual(
      [new GatewayError(code as ErrorCode).status, new GatewayError(code as ErrorCode).message],
      [status, sentence],
    )
  }
})

test('an error may say it in its own words, and keeps its cause for the log', () => {
  const cause = new Error('ECONNREFUSED')
  const error = new GatewayError('upstream_unreachable', { message: 'Not there', detail: 'port 1', cause })
  assert.equal(error.message, 'Not there')
  assert.equal(error.status, 502)
  assert.equal(error.cause, cause)
  assert.equal(error.name, 'GatewayError')
})
