import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCall } from '../../../proxy/domain/call.ts'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'

interface Asked {
  readonly path?: string
  readonly forced?: string | null
  readonly fallback?: string
  readonly contentType?: string
}

function read(body: string | Buffer, { path = '/v1/messages', forced = null, fallback, contentType }: Asked = {}) {
  const raw = {
    endpoint: endpointOf(path, ['embeddings', 'audio/*'], false),
    method: 'POST',
    search: '',
    headers: contentType === undefined ? {} : { 'content-type': contentType },
    body: Buffer.from(body),
  }
  const call = readCall(raw, forced, fallback)
  return { ...call, body: call.body.toString(), isUntouched: call.body === raw.body }
}

const models: Readonly<Record<string, readonly [body: string, asked: Asked, sent: string, model: string | undefined]>> =
  {
    'the model that was asked for': ['{"model":"a"}', {}, '{"model":"a"}', 'a'],
    'the default where none was named': ['{"x":1}', { fallback: 'd' }, '{"x":1,"model":"d"}', 'd'],
    'the default for an empty name': ['{"model":""}', { fallback: 'd' }, '{"model":"d"}', 'd'],
    'the default for what is no name': ['{"model":7}', { fallback: 'd' }, '{"model":"d"}', 'd'],
    'the model that was asked for before the default': ['{"model":"a"}', { fallback: 'd' }, '{"model":"a"}', 'a'],
    'no model where none is known': ['{"x":1}', {}, '{"x":1}', undefined],
    "the key's forced model": ['{"model":"a"}', { forced: 'f', fallback: 'd' }, '{"model":"f"}', 'f'],
    'the forced model where none was named': ['{}', { forced: 'f' }, '{"model":"f"}', 'f'],
    'the forced model in every place, though the last one asks for it': [
      '{"model":"dear","model":"f"}',
      { forced: 'f' },
      '{"model":"f","model":"f"}',
      'f',
    ],
    'its own model on an endpoint whose models are of another kind': [
      '{"model":"embed"}',
      { path: '/v1/embeddings', forced: 'f', fallback: 'd', contentType: 'application/json' },
      '{"model":"embed"}',
      'embed',
    ],
  }

for (const [what, [body, asked, sent, model]] of Object.entries(models)) {
  test(`a call is sent with ${what}`, () => {
    const call = read(body, asked)
    assert.equal(call.body, sent)
    assert.equal(call.model, model)
    assert.equal(call.isUntouched, body === sent)
  })
}

const CHAT = '/v1/chat/completions'

test('a call tells the tier that it asks for', () => {
  const tierOf = (path: string, body: object) => read(JSON.stringify(body), { path }).serviceTier
  assert.equal(tierOf(CHAT, { service_tier: 'priority' }), 'priority')
  assert.equal(tierOf('/v1/responses', { service_tier: 'flex' }), 'flex')
  assert.equal(tierOf('/v1/messages', { speed: 'fast' }), 'priority')
  assert.equal(tierOf('/v1/messages', { service_tier: 'auto' }), 'standard')
  assert.equal(tierOf(CHAT, {}), 'standard')
})

const streams: Readonly<Record<string, readonly [path: string, body: string, sent: string, hidesUsage: boolean]>> = {
  'a chat that did not ask': [CHAT, '{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}', true],
  'a completion that did not ask': [
    '/v1/completions',
    '{"stream":true}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
    true,
  ],
  'a chat that asked for no usage': [
    CHAT,
    '{"stream_options":{"include_usage":false,"x":1},"stream":true}',
    '{"stream_options":{"include_usage":true,"x":1},"stream":true}',
    true,
  ],
  'a chat whose options are null': [
    CHAT,
    '{"stream_options":null,"stream":true}',
    '{"stream_options":{"include_usage":true},"stream":true}',
    true,
  ],
  'a chat whose options are a list': [
    CHAT,
    '{"stream_options":[],"stream":true}',
    '{"stream_options":{"include_usage":true},"stream":true}',
    true,
  ],
  'a chat that asked': [
    CHAT,
    '{"stream":true,"stream_options":{"include_usage":true}}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
    false,
  ],
  'a chat that does not stream': [CHAT, '{"stream":false}', '{"stream":false}', false],
  'a message, whose streams tell it anyway': ['/v1/messages', '{"stream":true}', '{"stream":true}', false],
  'a response, whose streams tell it anyway': ['/v1/responses', '{"stream":true}', '{"stream":true}', false],
}

for (const [what, [path, body, sent, hidesUsage]] of Object.entries(streams)) {
  test(`usage is asked for, and hidden from who did not ask: ${what}`, () => {
    const call = read(body, { path })
    assert.equal(call.body, sent)
    assert.equal(call.hidesUsage, hidesUsage)
    assert.equal(call.isUntouched, body === sent)
  })
}

test('only true streams', () => {
  for (const stream of ['1', '"true"', 'null', '[]']) assert.equal(read(`{"stream":${stream}}`).stream, false)
  assert.equal(read('{"stream":true}').stream, true)
})

const bounds: readonly (readonly [path: string, body: string, bound: number | undefined])[] = [
  ['messages', '{"max_tokens":10}', 10],
  ['messages', '{"max_tokens":10,"tools":[{"name":"f"},{"type":"custom","name":"g"}]}', 10],
  ['messages', '{"max_tokens":10,"tools":[{"type":"web_search_20250305","name":"web_search"}]}', undefined],
  ['messages', '{"max_tokens":10,"messages":[{"content":[{"source":{"type":"url","url":"x"}}]}]}', undefined],
  ['messages', '{"max_tokens":10,"container":"c"}', undefined],
  ['messages', '{"max_completion_tokens":11}', undefined],
  ['chat/completions', '{"max_tokens":10}', 10],
  ['chat/completions', '{"max_completion_tokens":11,"max_tokens":10}', 11],
  ['chat/completions', '{"max_tokens":null,"max_completion_tokens":13}', 13],
  ['chat/completions', '{"max_tokens":10,"n":128}', 1280],
  ['completions', '{"max_tokens":10,"n":2,"best_of":5}', 50],
  ['responses', '{"max_output_tokens":12}', 12],
  ['responses', '{"max_output_tokens":12,"previous_response_id":"r"}', undefined],
  ['responses', '{"max_output_tokens":12,"previous_response_id":null}', 12],
  ['responses', '{"max_output_tokens":12,"input":[{"file_id":"f"}]}', undefined],
  ['messages/count_tokens', '{}', 0],
  ['embeddings', '{"input":"x"}', 0],
  ['messages', '{"max_tokens":0}', undefined],
  ['messages', '{"max_tokens":-1}', undefined],
  ['messages', '{"max_tokens":1.5}', undefined],
  ['messages', '{"max_tokens":1e300}', undefined],
  ['messages', '{"max_tokens":"10"}', undefined],
  ['messages', '{}', undefined],
]

for (const [path, body, bound] of bounds) {
  test(`the bound of ${path} ${body} is ${bound}`, () => {
    assert.equal(read(body, { path: `/v1/${path}`, contentType: 'application/json' }).maxTokens, bound)
  })
}

test('a body that is no JSON object is refused where a call is metered', () => {
  for (const body of ['', ' ', '{', 'null', '[]', '"x"', '3', 'not json', '{"a":1}}', '\uFEFF{}']) {
    assert.throws(
      () => read(body),
      (error) => error instanceof GatewayError && error.code === 'json_invalid',
      body,
    )
  }
})

test('a body of another kind passes as it is on an endpoint that is passed through', () => {
  const call = read('--boundary\r\n{"model":', { path: '/v1/audio/transcriptions', contentType: 'multipart/form-data' })
  assert.ok(call.isUntouched)
  assert.deepEqual([call.model, call.stream, call.maxTokens, call.hidesUsage], [undefined, false, 0, false])
  assert.ok(read('', { path: '/v1/embeddings', contentType: 'application/json' }).isUntouched)
  assert.ok(read('{', { path: '/v1/embeddings' }).isUntouched)
})

test('a body that says it is JSON is read on an endpoint that is passed through', () => {
  const contentType = 'application/json; charset=utf-8'
  assert.equal(read('{"model":"e"}', { path: '/v1/embeddings', contentType }).model, 'e')
  assert.throws(() => read('{', { path: '/v1/embeddings', contentType }), GatewayError)
})
