import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts'
import { openDatabase } from '../../../support/database.ts'

const plain = { pool: 'messages', name: 'one', serviceType: 'claude', baseUrl: 'https://api.example' }

/** What is said besides a name, a type and a URL, and the fields that are wrong about it. */
const refused: Readonly<Record<string, readonly [said: object, fields: readonly string[]]>> = {
  'a field that is not known': [{ colour: 'red' }, ['colour']],
  'a pool that is not known': [{ pool: 'gemini' }, ['pool']],
  'a type that is not served': [{ serviceType: 'gemini' }, ['serviceType']],
  'a search account among models': [{ serviceType: 'brave' }, ['serviceType']],
  'a model account in the search': [{ pool: 'search' }, ['serviceType']],
  'no name': [{ name: '  ' }, ['name']],
  'a name that is too long': [{ name: 'x'.repeat(256) }, ['name']],
  'a name of control characters': [{ name: 'a\nb' }, ['name']],
  'a description that no database takes': [{ description: 'a\0b' }, ['description']],
  'half a character': [{ description: '\ud800' }, ['description']],
  'a priority below zero': [{ priority: -1 }, ['priority']],
  'a website that is a script': [{ website: 'javascript:alert(1)' }, ['website']],
  'a multiplier below zero': [
    { priceMultipliers: { x: { inputMultiplier: -1 } } },
    ['priceMultipliers.x.inputMultiplier'],
  ],
  'a mapping to nothing': [{ modelMapping: { opus: '' } }, ['modelMapping.opus']],
  'too many mappings': [
    { modelMapping: Object.fromEntries(Array.from({ length: 1001 }, (_, nth) => [`m${nth}`, 'x'])) },
    ['modelMapping'],
  ],
  'a status that is none': [
    { contentFilter: { rules: [{ keyword: 'x', statusCode: 200 }] } },
    ['contentFilter.rules.0.statusCode'],
  ],
  'a quota without its limit': [{ quotaType: 'requests' }, ['quotaLimit']],
  'a quota of half a request': [{ quotaType: 'requests', quotaLimit: 1.5 }, ['quotaLimit']],
  'a quota of nothing': [{ quotaType: 'credit', quotaLimit: 0 }, ['quotaLimit']],
  'a limit without its quota': [{ quotaLimit: 5 }, ['quotaType']],
  'a reset without its interval': [
    { quotaType: 'requests', quotaLimit: 5, quotaResetAt: '2030-01-01T00:00:00Z' },
    ['quotaResetInterval', 'quotaResetUnit'],
  ],
  'a reset that never begins': [{ quotaType: 'requests', quotaLimit: 5, quotaResetMode: 'fixed' }, ['quotaResetAt']],
  'a reset at no time': [{ quotaResetAt: 'tomorrow' }, ['quotaResetAt']],
  'a queue without a limit': [{ queueEnabled: true }, ['queueEnabled']],
  'a wait without a queue': [{ queueTimeout: 5 }, ['queueTimeout']],
  'a time-out of nothing': [{ connectTimeout: 0 }, ['connectTimeout']],
  'a time-out in words': [{ idleTimeout: '5s' }, ['idleTimeout']],
  'certificates that are none': [
    { tlsAuthorities: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    ['tlsAuthorities'],
  ],
  'no certificate at all': [{ tlsAuthorities: ' ' }, ['tlsAuthorities']],
  'a key with a line break': [{ apiKeys: ['sk-1\r\nx-evil: 1'] }, ['apiKeys.0']],
  'a key that is empty': [{ apiKeys: ['sk-1', ''] }, ['apiKeys.1']],
  'a key that is too long': [{ apiKeys: ['x'.repeat(4097)] }, ['apiKeys.0']],
  'mappings of a composite': [
    { compositeMappings: [{ pattern: 'x', targetChannelId: 'abcd0123' }] },
    ['compositeMappings'],
  ],
  'a composite of nothing': [{ serviceType: 'composite', baseUrl: '' }, ['compositeMappings']],
  'a composite with a URL and keys': [{ serviceType: 'composite', apiKeys: ['sk-1'] }, ['baseUrl', 'apiKeys']],
  'a token from a metadata service': [
    { oauth: { tokenUrl: 'http://169.254.169.254/token', clientId: 'c', refreshToken: 'r' } },
    ['oauth.tokenUrl'],
  ],
  'a token without its secret': [{ oauth: { tokenUrl: 'https://x', clientId: 'c' } }, ['oauth.refreshToken']],
  'a header that is no name': [
    { headerPolicy: { set: { 'a b': 'x' }, remove: ['x', 'c:d', 'x-*-y', 'content-*'] } },
    ['headerPolicy.remove.1', 'headerPolicy.remove.2', 'headerPolicy.remove.3', 'headerPolicy.set.a b'],
  ],
  'a header with a line break': [{ headerPolicy: { set: { 'x-a': 'b\r\nx-evil: 1' } } }, ['headerPolicy.set.x-a']],
  'a header that is empty': [{ headerPolicy: { set: { 'x-a': '' } } }, ['headerPolicy.set.x-a']],
  'a header that carries a credential': [
    { headerPolicy: { set: { Authorization: 'Bearer x', 'X-Api-Key': 'x', cookie: 'x' } } },
    ['headerPolicy.set.authorization', 'headerPolicy.set.x-api-key', 'headerPolicy.set.cookie'],
  ],
  'a header of the connection': [
    { headerPolicy: { set: { 'Transfer-Encoding': 'chunked', host: 'x' } } },
    ['headerPolicy.set.transfer-encoding', 'headerPolicy.set.host'],
  ],
}

async function fieldsOf(api: AdminApi, method: string, path: string, body: object): Promise<readonly string[]> {
  const { status, json, text } = await api.send(method, path, { body })
  assert.deepEqual([status, json['code']], [400, 'request_invalid'], text)
  const details = json['details'] as readonly { readonly field: string; readonly message: string }[] // safe: held against the document
  for (const { message } of details) assert.match(message, /\w{2}/)
  return details.map(({ field }) => field)
}

test('a channel that cannot be is refused, when it is made and when it is changed, and nothing is written', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const made = await api.send('POST', '/api/channels', { body: { ...plain, name: 'there' } })
  const path = `/api/channels/${String(made.json['id'])}`
  const before = await api.send('GET', path)
  for (const [what, [said, fields]] of Object.entries(refused)) {
    assert.deepEqual(await fieldsOf(api, 'POST', '/api/channels', { ...plain, ...said }), fields, what)
    const isOfNewOnes = ['pool', 'apiKeys'].some((field) => field in said)
    if (!isOfNewOnes) assert.deepEqual(await fieldsOf(api, 'PUT', path, said), fields, `${what}, changed`)
  }
  const after = await api.send('GET', '/api/channels?pool=messages')
  assert.deepEqual(after.headers.etag, before.headers.etag)
})

test('a base URL that is none, or leads where nothing of ours may go, is refused', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const urls = [
    '',
    'api.example',
    'ftp://api.example',
    'file:///etc/passwd',
    'https:api.example',
    'https://user:pw@api.example',
    'https://user@api.example',
    'https://api.example/#a',
    'https://api.example/v1?x=1',
    'https://api.example/?',
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://metadata.google.internal/computeMetadata',
    'http://0.0.0.0:8080',
    api.url,
    `${api.url}/v1`,
  ]
  for (const baseUrl of urls) {
    assert.deepEqual(await fieldsOf(api, 'POST', '/api/channels', { ...plain, baseUrl }), ['baseUrl'], baseUrl)
  }
  for (const baseUrl of ['http://127.0.0.1:1', 'https://10.0.0.1/v1', 'http://llm.internal']) {
    const { status, text } = await api.send('POST', '/api/channels', { body: { ...plain, name: baseUrl, baseUrl } })
    assert.equal(status, 201, text)
  }
})

test('a channel must say what it is', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  assert.deepEqual(await fieldsOf(api, 'POST', '/api/channels', {}), ['name', 'serviceType', 'pool'])
  assert.deepEqual(await fieldsOf(api, 'GET', '/api/channels?pool=gemini', {}), ['pool'])
})

test('composites do not make a circle', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const make = async (body: object) => String((await api.send('POST', '/api/channels', { body })).json['id'])
  const target = await make(plain)
  const to = (id: string) => [{ pattern: 'x', targetChannelId: id }]
  const composite = { pool: 'messages', name: 'all', serviceType: 'composite' }
  const first = await make({ ...composite, compositeMappings: to(target) })
  const post = (body: object) => fieldsOf(api, 'POST', '/api/channels', body)
  const put = (id: string, body: object) => fieldsOf(api, 'PUT', `/api/channels/${id}`, body)
  assert.deepEqual(await post({ ...composite, name: 'b', compositeMappings: to(first) }), ['compositeMappings'])
  assert.deepEqual(await post({ ...composite, name: 'b', compositeMappings: to('abcd0123') }), ['compositeMappings'])
  assert.deepEqual(await put(first, { compositeMappings: to(first) }), ['compositeMappings'])
  const turned = await put(target, { serviceType: 'composite', baseUrl: '', compositeMappings: to(first) })
  assert.deepEqual(turned, ['compositeMappings', 'serviceType'])
  assert.deepEqual(await fieldsOf(api, 'POST', `/api/channels/${first}/keys`, { apiKeys: ['sk-1'] }), ['apiKeys'])
})

test('orders, statuses, promotions and keys are checked as well', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const id = String((await api.send('POST', '/api/channels', { body: plain })).json['id'])
  const other = String((await api.send('POST', '/api/channels', { body: { ...plain, pool: 'chat' } })).json['id'])
  const path = `/api/channels/${id}`
  const order = (ids: readonly string[]) =>
    fieldsOf(api, 'POST', '/api/channels/reorder', { pool: 'messages', order: ids })
  for (const ids of [[], [id, id], [other], [id, other]]) assert.deepEqual(await order(ids), ['order'])
  assert.deepEqual(await fieldsOf(api, 'PATCH', `${path}/status`, { status: 'on' }), ['status'])
  for (const duration of [-1, 1.5, '60', 31 * 86_400]) {
    assert.deepEqual(await fieldsOf(api, 'POST', `${path}/promotion`, { duration }), ['duration'])
  }
  assert.deepEqual(await fieldsOf(api, 'POST', `${path}/keys`, { apiKeys: [] }), ['apiKeys'])
  assert.deepEqual(await fieldsOf(api, 'POST', `${path}/keys`, { apiKeys: ['a b'] }), ['apiKeys.0'])
  assert.deepEqual(await fieldsOf(api, 'POST', `${path}/resume`, { now: true }), ['now'])
  assert.deepEqual(await fieldsOf(api, 'GET', '/api/channels/UPPER', {}), ['id'])
})
