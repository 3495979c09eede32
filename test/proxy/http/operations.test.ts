import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type AdminApi, startAdminApi } from '../../support/admin-api.ts'
import { connectRaw, json, parseRaw } from '../../support/ask.ts'
import { openDatabase } from '../../support/database.ts'
import { thingOperations } from '../../support/thing-operations.ts'
import { until } from '../../support/until.ts'

async function start(t: TestContext, hasDatabase = true): Promise<AdminApi> {
  return startAdminApi(t, await openDatabase(t), { operations: thingOperations, hasDatabase })
}

test('an operation is given what its schemas made of the request, and who asks', async (t) => {
  const api = await start(t)
  const {
    status,
    json: body,
    headers,
  } = await api.send('PUT', '/api/things/a%20b?limit=7', {
    body: { name: 'x' },
    headers: { 'if-match': '"12"' },
  })
  assert.equal(status, 200)
  assert.deepEqual(body['seen'], {
    params: { id: 'a b' },
    query: { limit: 7 },
    body: { name: 'x' },
    actor: 'root',
    expectedRevision: '12',
  })
  assert.equal(headers['cache-control'], 'no-store')
})

test('a key in the query opens, and is no parameter', async (t) => {
  const api = await start(t)
  const { status } = await api.send('GET', '/api/things/1?api_key=admin', { key: null })
  assert.equal(status, 200)
})

test('an answer may have its own status, or no body', async (t) => {
  const api = await start(t)
  assert.equal((await api.send('POST', '/api/things')).status, 201)
  const { status, text } = await api.send('DELETE', '/api/things/1')
  assert.deepEqual([status, text], [204, ''])
})

const wrong: Readonly<Record<string, readonly [path: string, body: object, fields: readonly string[]]>> = {
  'a field that is not known': ['/api/things/1', { name: 'x', colour: 'red', size: 1 }, ['colour', 'size']],
  'a field of the wrong type': ['/api/things/1', { name: 5 }, ['name']],
  'a field that is missing': ['/api/things/1', {}, ['name']],
  'a list for an object': ['/api/things/1', [], ['']],
  'a parameter that is not known': ['/api/things/1?colour=red', { name: 'x' }, ['colour']],
  'a parameter twice': ['/api/things/1?limit=1&limit=2', { name: 'x' }, ['limit']],
  'a parameter of the wrong type': ['/api/things/1?limit=many', { name: 'x' }, ['limit']],
  'a path that is too long': ['/api/things/123456789', { name: 'x' }, ['id']],
}
test('what no schema knows is refused, and each field is named', async (t) => {
  const api = await start(t)
  for (const [what, [path, body, fields]] of Object.entries(wrong)) {
    const { status, json: answer } = await api.send('PUT', path, { body })
    assert.deepEqual([status, answer['code']], [400, 'request_invalid'], what)
    const details = answer['details'] as readonly { readonly field: string; readonly message: string }[] // safe: compared
    assert.deepEqual(
      details.map(({ field }) => field),
      fields,
    )
    assert.ok(details.every(({ message }) => message.length > 5))
  }
})

test('a refusal says neither what a field held nor more fields than can be read', async (t) => {
  const api = await start(t)
  const secret = 'sk-a-secret-that-is-too-long'
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, nth) => [`f${nth}`.padEnd(400, '-'), 1]))
  const { text, json: answer } = await api.send('PUT', '/api/things/1', { body: { name: 'x', secret, ...many } })
  assert.ok(!text.includes(secret), text)
  const details = answer['details'] as readonly { readonly field: string }[] // safe: held against the document
  assert.equal(details.length, 20)
  assert.ok(details.every(({ field }) => field.length <= 200))
})

const bodies: readonly (readonly [body: string | Buffer, type: string | undefined, status: number, code: string])[] = [
  ['{"name":', 'application/json', 400, 'json_invalid'],
  [Buffer.from('{"name":"\xff"}', 'latin1'), 'application/json', 400, 'json_invalid'],
  ['{"name":"x"}', 'text/plain', 415, 'content_type_unsupported'],
  ['{"name":"x"}', undefined, 415, 'content_type_unsupported'],
  ['{"name":"x"}', 'application/json; charset=latin1', 415, 'content_type_unsupported'],
  [`{"name":"${'x'.repeat(1024 * 1024)}"}`, 'application/json', 413, 'body_too_large'],
]
test('a body that is no JSON, does not say that it is, or is too large is refused', async (t) => {
  const api = await start(t)
  for (const [body, type, status, code] of bodies) {
    const headers = type === undefined ? {} : { 'content-type': type }
    const answer = await api.send('PUT', '/api/things/1', { body, headers })
    assert.deepEqual([answer.status, answer.json['code']], [status, code], type)
  }
})

test('a compressed body is not taken for JSON', async (t) => {
  const api = await start(t)
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const { status } = await api.send('PUT', '/api/things/1', { body: '{"name":"x"}', headers })
  assert.equal(status, 415)
})

test('JSON with its charset, or of a type of its own, is read', async (t) => {
  const api = await start(t)
  for (const type of [
    'application/json; charset=utf-8',
    'application/merge-patch+json',
    'Application/JSON;charset="UTF-8"',
  ]) {
    const headers = { 'content-type': type }
    assert.equal((await api.send('PUT', '/api/things/1', { body: '{"name":"x"}', headers })).status, 200, type)
  }
})

test('what an operation has no use for may not be sent with it', async (t) => {
  const api = await start(t)
  assert.equal((await api.send('POST', '/api/things', { body: {} })).status, 201)
  assert.equal((await api.send('POST', '/api/things', { body: { force: true } })).status, 400)
})

test('the key is checked before a byte of the body is read', async (t) => {
  const api = await start(t)
  const head = 'PUT /api/things/1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer no\r\ncontent-length: 1000\r\n\r\n'
  const { socket, received } = await connectRaw(api.port, head)
  await until('the refusal', () => received().endsWith('}')) // and not the end, until which the body may still come
  socket.destroy()
  const { status, text } = parseRaw(received())
  assert.deepEqual([status, json(text)['code']], [401, 'key_invalid'])
})

const callers: readonly (readonly [key: string | null, status: number, code: string | undefined])[] = [
  [null, 401, 'key_missing'],
  ['nobody', 401, 'key_invalid'],
  ['user', 403, 'admin_required'],
  ['tenant', 201, undefined],
  ['admin', 201, undefined],
]
test('what is open to tenants is open to their administrators and to those of all', async (t) => {
  const api = await start(t)
  for (const [key, status, code] of callers) {
    const answer = await api.send('POST', '/api/things', { key })
    assert.deepEqual([answer.status, answer.json['code']], [status, code], String(key))
  }
})

test('what belongs to administrators is closed to those of a tenant', async (t) => {
  const api = await start(t)
  const answer = await api.send('GET', '/api/things/1', { key: 'tenant' })
  assert.deepEqual([answer.status, answer.json['code']], [403, 'admin_required'])
})

test('what is open to everybody asks for no key', async (t) => {
  const api = await start(t)
  const { status, json: body } = await api.send('GET', '/api/open', { key: null })
  assert.deepEqual([status, body], [200, { seen: '' }])
})

test('a path that is known refuses other methods, and names its own', async (t) => {
  const api = await start(t)
  for (const method of ['POST', 'PATCH', 'OPTIONS']) {
    const { status, headers, json: body } = await api.send(method, '/api/things/1')
    assert.deepEqual([status, headers.allow, body['code']], [405, 'PUT, GET, DELETE', 'method_not_allowed'])
  }
  assert.equal((await api.send('GET', '/api/nothing')).status, 404)
})

test('a read answers HEAD, too', async (t) => {
  const api = await start(t)
  const { status, text, headers } = await api.send('HEAD', '/api/things/1')
  assert.deepEqual([status, text], [200, ''])
  assert.match(headers.etag ?? '', /^"\d+"$/)
})

test('a parameter of the path that is no UTF-8 is a refusal', async (t) => {
  const api = await start(t)
  const { status, json: body } = await api.send('GET', '/api/things/%ff')
  assert.deepEqual([status, body['code']], [400, 'path_invalid'])
})

test('If-Match names a revision as a read told it, or does not matter', async (t) => {
  const api = await start(t)
  const put = async (ifMatch: string) =>
    api.send('PUT', '/api/things/1', { body: { name: 'x' }, headers: { 'if-match': ifMatch } })
  assert.equal((await put('*')).status, 200)
  for (const ifMatch of ['12', 'W/"12"', '"twelve"', '"1", "2"']) {
    const { status, json: body } = await put(ifMatch)
    assert.deepEqual([status, body['code']], [400, 'request_invalid'], ifMatch)
    assert.match(JSON.stringify(body['details']), /If-Match/)
  }
})

test('what the stores refuse is told as it is meant', async (t) => {
  const api = await start(t)
  const put = async (name: string) => api.send('PUT', '/api/things/1', { body: { name } })
  const stale = await put('stale')
  assert.deepEqual(
    [stale.status, stale.json['code'], stale.json['message']],
    [409, 'revision_conflict', 'Configuration changed; reload and retry'],
  )
  assert.equal((await put('none')).status, 404)
  const away = await put('away')
  assert.deepEqual([away.status, away.json['code'], away.headers['retry-after']], [503, 'storage_unavailable', '1'])
})

test('with a key file there is nothing to manage but the document to read', async (t) => {
  const api = await start(t, false)
  const { status, json: body } = await api.send('GET', '/api/things/1')
  assert.deepEqual([status, body['code']], [501, 'needs_database'])
  assert.equal((await api.send('GET', '/api/open')).status, 200)
  assert.deepEqual(await api.audited(), [])
})

test('writes, reads and refusals are in the audit log, with what a write has changed and without secrets', async (t) => {
  const api = await start(t)
  await api.send('PUT', '/api/things/1', { body: { name: 'x', secret: 'hush' }, headers: { 'x-request-id': 'one' } })
  await api.send('GET', '/api/things/2')
  await api.send('PUT', '/api/things/3', { body: { name: 5 } })
  await api.send('GET', '/api/things/4', { key: 'user' })
  await api.send('GET', '/api/things/5', { key: 'nobody' })
  await api.send('GET', '/api/open')
  const lines = await api.audited()
  assert.deepEqual(
    lines.map(({ actor, actorId, operation: id, target, httpStatus, error }) => [
      actor,
      actorId?.slice(-3),
      id,
      target,
      httpStatus,
      error,
    ]),
    [
      ['root', 'MIN', 'echo', '1', 200, null],
      ['root', 'MIN', 'read', '2', 200, null],
      ['root', 'MIN', 'echo', '3', 400, 'request_invalid'],
      ['alice', 'USE', 'read', '4', 403, 'admin_required'],
      ['192.0.2.1', undefined, 'read', '5', 401, 'key_invalid'],
    ],
  )
  const [write, ...others] = lines
  assert.deepEqual(
    [write?.requestId, write?.before, write?.after],
    ['one', '{"name":"old","apiKeys":"***"}', '{"name":"x","secret":"***"}'],
  )
  assert.ok(others.every(({ before, after }) => before === null && after === null))
})
