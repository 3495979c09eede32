import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Refusal } from '../../../proxy/route/failure.ts'
import { classify, statusOfErrorType } from '../../../proxy/route/subtype.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const resource = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Resource has been exhausted' }

type Row = readonly [status: number, body: unknown, refusal: Refusal]

const bodies: Readonly<Record<string, Row>> = {
  'a quota that is used up, before the resource that is': [
    429,
    { error: { ...resource, details: [{ '@type': 'x' }, null, { reason: 'QUOTA_EXHAUSTED' }] } },
    { status: 429, subtype: 'QUOTA_EXHAUSTED' },
  ],
  'a resource that is used up': [
    429,
    { error: { ...resource, details: [{ reason: 'RATE_LIMIT_EXCEEDED' }] } },
    { status: 429, subtype: 'RESOURCE_EXHAUSTED' },
  ],
  'a resource without details': [429, { error: resource }, { status: 429, subtype: 'RESOURCE_EXHAUSTED' }],
  'a reason without its resource': [429, { error: { details: [{ reason: 'QUOTA_EXHAUSTED' }] } }, { status: 429 }],
  'a model that cools down': [
    429,
    { error: { code: 'model_cooldown', reset_seconds: 12.5 } },
    { status: 429, subtype: 'model_cooldown', waitMs: 12_500 },
  ],
  'a model that cools down, in a text': [
    429,
    { error: { code: 'model_cooldown', reset_seconds: '12' } },
    { status: 429, subtype: 'model_cooldown', waitMs: 12_000 },
  ],
  'a model that cools down, nobody knows how long': [
    429,
    { error: { code: 'model_cooldown' } },
    { status: 429, subtype: 'model_cooldown' },
  ],
  'a model that cools down for less than no time': [
    429,
    { error: { code: 'model_cooldown', reset_seconds: -3 } },
    { status: 429, subtype: 'model_cooldown' },
  ],
  'an account of OpenAI that has nothing left': [
    429,
    { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota' } },
    { status: 429, subtype: 'QUOTA_EXHAUSTED' },
  ],
  'the same in a stream of responses': [
    429,
    { type: 'response.failed', response: { error: { code: 'insufficient_quota', message: '' } } },
    { status: 429, subtype: 'QUOTA_EXHAUSTED' },
  ],
  'the same in an event of its own': [
    429,
    { type: 'error', code: 'insufficient_quota', message: '' },
    { status: 429, subtype: 'QUOTA_EXHAUSTED' },
  ],
  'a quota that is not enough': [
    403,
    { error: { message: 'User Quota is not enough' } },
    { status: 403, subtype: 'CREDIT_EXHAUSTED' },
  ],
  'an insufficient quota': [
    403,
    { error: { message: 'Insufficient user quota, $0.01 left' } },
    { status: 403, subtype: 'CREDIT_EXHAUSTED' },
  ],
  'an insufficient quota in a text': [
    403,
    { error: 'insufficient quota' },
    { status: 403, subtype: 'CREDIT_EXHAUSTED' },
  ],
  'an insufficient quota beside no error': [
    403,
    { message: 'insufficient quota' },
    { status: 403, subtype: 'CREDIT_EXHAUSTED' },
  ],
  'a quota before what is insufficient': [403, { error: { message: 'quota: insufficient rights' } }, { status: 403 }],
  'words of one status with another': [400, { error: { ...resource, code: 'model_cooldown' } }, { status: 400 }],
  'a rate limit': [429, { error: { type: 'rate_limit_error', message: 'slow down' } }, { status: 429 }],
  'an error that is a list': [429, { error: [resource] }, { status: 429 }],
  'a list': [429, [{ error: resource }], { status: 429 }],
  nothing: [500, null, { status: 500 }],
}

for (const [what, [status, body, refusal]] of Object.entries(bodies)) {
  test(`a ${status} with ${what} is told from others of its status`, () => {
    assert.deepEqual(classify(status, JSON.stringify(body), {}, NOON), refusal)
  })
}

for (const text of ['', '{', '<html>', '"text"', '7', `{"error":${'['.repeat(5000)}`]) {
  test(`a body that says nothing is no error: ${JSON.stringify(text.slice(0, 12))}`, () => {
    assert.deepEqual(classify(429, text, { 'retry-after': '3' }, NOON), { status: 429, waitMs: 3000 })
  })
}

test('what a cool-down says wins over the header', () => {
  const body = JSON.stringify({ error: { code: 'model_cooldown', reset_seconds: 4 } })
  assert.equal(classify(429, body, { 'retry-after': '30' }, NOON).waitMs, 4000)
})

test('a month of Brave that is used up is a quota that is', () => {
  const headers = { 'x-ratelimit-remaining': '1, 0', 'x-ratelimit-reset': '1, 86400' }
  const body = JSON.stringify({ type: 'ErrorResponse', error: { code: 'RATE_LIMITED', status: 429 } })
  assert.deepEqual(classify(429, body, headers, NOON), {
    status: 429,
    subtype: 'QUOTA_EXHAUSTED',
    waitMs: 86_400_000,
    suspendMs: 86_400_000,
  })
})

const types: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
  server_error: 500,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  tokens: 429,
  requests: 429,
  invalid_api_key: 401,
  model_not_found: 404,
  context_length_exceeded: 400,
  invalid_prompt: 400,
  invalid_base64_image: 400,
  image_too_large: 400,
  constructor: 502,
  '': 502,
  'something new': 502,
}

for (const [type, status] of Object.entries(types)) {
  test(`an error event of the type ${JSON.stringify(type)} counts as ${status}`, () => {
    assert.equal(statusOfErrorType(type), status)
  })
}
