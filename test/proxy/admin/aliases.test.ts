import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

testEngines('models that a dashboard offers are replaced by pool, and reset', async (t, store) => {
  const api = await startAdminApi(t, store)
  const read = async (): Promise<object> => (await api.send('GET', '/api/model-aliases')).json
  const empty = { messagesModels: [], responsesModels: [], chatModels: [] }
  assert.deepEqual(await read(), empty)
  const messagesModels = [{ value: 'opus', description: 'the large one' }, { value: 'haiku' }]
  const put = await api.send('PUT', '/api/model-aliases', { body: { messagesModels, chatModels: [{ value: 'gpt' }] } })
  assert.equal(put.status, 200)
  const shown = [messagesModels[0], { value: 'haiku', description: '' }]
  assert.deepEqual(await read(), { ...empty, messagesModels: shown, chatModels: [{ value: 'gpt', description: '' }] })
  await api.send('PUT', '/api/model-aliases', { body: { chatModels: [] } })
  assert.deepEqual(await read(), { ...empty, messagesModels: shown })
  const old = (await api.send('GET', '/api/model-aliases')).headers.etag ?? ''
  const reset = await api.send('POST', '/api/model-aliases/reset', { headers: { 'if-match': old } })
  assert.equal(reset.status, 200)
  assert.match(JSON.stringify(await read()), /"opus".*"sonnet".*"haiku"/)
  for (const [method, path] of [
    ['PUT', '/api/model-aliases'],
    ['POST', '/api/model-aliases/reset'],
  ] as const) {
    const body = method === 'PUT' ? { chatModels: [] } : {}
    const { status, json } = await api.send(method, path, { body, headers: { 'if-match': old } })
    assert.deepEqual([status, json['code']], [409, 'revision_conflict'])
  }
})

testEngines('users are named, renamed, imported and forgotten', async (t, store) => {
  const api = await startAdminApi(t, store)
  const read = async (): Promise<object> => (await api.send('GET', '/api/aliases')).json
  const name = async (id: string, alias: string) => api.send('PUT', `/api/aliases/${id}`, { body: { alias } })
  assert.deepEqual(await read(), {})
  assert.equal((await name('user%2F1', 'Ann')).status, 200)
  assert.equal((await name('user-2', 'Bob')).status, 200)
  assert.equal((await name('user%2F1', 'Anna')).status, 200)
  assert.deepEqual(await read(), { 'user/1': 'Anna', 'user-2': 'Bob' })
  const taken = await name('user-3', 'Bob')
  assert.deepEqual([taken.status, taken.json['message']], [409, 'alias already in use'])

  const clash = await api.send('POST', '/api/aliases/import', { body: { 'user-3': 'Cid', 'user-4': 'Bob' } })
  assert.equal(clash.status, 409)
  assert.deepEqual(await read(), { 'user/1': 'Anna', 'user-2': 'Bob' })
  const imported = await api.send('POST', '/api/aliases/import', { body: { 'user-2': 'Bo', 'user-3': 'Cid' } })
  assert.deepEqual([imported.status, imported.json['imported']], [200, 2])

  assert.equal((await api.send('DELETE', '/api/aliases/user-2')).status, 200)
  const gone = await api.send('DELETE', '/api/aliases/user-2')
  assert.deepEqual([gone.status, gone.json['message']], [404, 'alias not found'])
  assert.deepEqual(await read(), { 'user/1': 'Anna', 'user-3': 'Cid' })
  const renamed = (await api.audited()).filter(
    ({ operation, httpStatus }) => operation === 'setUserAlias' && httpStatus === 200,
  )
  assert.deepEqual(
    [renamed[2]?.target, renamed[2]?.before, renamed[2]?.after],
    ['user/1', '{"alias":"Ann"}', '{"alias":"Anna"}'],
  )

  const old = (await api.send('GET', '/api/aliases')).headers.etag ?? ''
  await name('user-5', 'Eve')
  const headers = { 'if-match': old }
  const late = [
    await api.send('PUT', '/api/aliases/user-6', { body: { alias: 'Fay' }, headers }),
    await api.send('DELETE', '/api/aliases/user-5', { headers }),
    await api.send('POST', '/api/aliases/import', { body: { a: 'b' }, headers }),
  ]
  assert.deepEqual(
    late.map(({ status }) => status),
    [409, 409, 409],
  )
})

test('names that are none are refused', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const twice = [{ value: 'opus' }, { value: 'opus' }]
  const refused: readonly (readonly [method: string, path: string, body: object, field: string])[] = [
    ['PUT', '/api/aliases/user-1', { alias: '' }, 'alias'],
    ['PUT', '/api/aliases/user-1', { alias: 'a\nb' }, 'alias'],
    ['PUT', '/api/aliases/user-1', { alias: 'x'.repeat(256) }, 'alias'],
    ['POST', '/api/aliases/import', { 'user-1': 5 }, 'user-1'],
    ['PUT', '/api/model-aliases', { messagesModels: twice }, 'messagesModels'],
    ['PUT', '/api/model-aliases', { geminiModels: [] }, 'geminiModels'],
    ['PUT', '/api/model-aliases', { chatModels: [{ value: '' }] }, 'chatModels.0.value'],
  ]
  for (const [method, path, body, field] of refused) {
    const { status, json } = await api.send(method, path, { body })
    const [detail] = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field], JSON.stringify(body))
  }
})
