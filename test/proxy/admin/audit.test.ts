import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const plain = { pool: 'messages', name: 'one', serviceType: 'claude', baseUrl: 'https://api.example' }

interface Line {
  readonly id: string
  readonly actor: string
  readonly operation: string
  readonly httpStatus: number
  readonly before: unknown
  readonly after: Readonly<Record<string, unknown>> | null
}

testEngines('administrators read who did what, newest first and in pages', async (t, store) => {
  const api = await startAdminApi(t, store)
  const made = await api.send('POST', '/api/channels', { body: { ...plain, apiKeys: ['sk-hush-hush'] } })
  const id = String(made.json['id'])
  await api.send('PUT', `/api/channels/${id}`, { body: { priority: 5 } })
  await api.send('PUT', `/api/channels/${id}`, { body: { colour: 'red' } })
  await api.send('GET', '/api/channels', { key: 'user' })
  await api.audited()
  const read = async (query: string): Promise<{ readonly entries: readonly Line[]; readonly hasMore: boolean }> => {
    const { status, json, text } = await api.send('GET', `/api/audit${query}`)
    assert.equal(status, 200, text)
    return json as unknown as { entries: Line[]; hasMore: boolean } // safe: held against the document
  }
  const { entries, hasMore } = await read('')
  assert.deepEqual(
    entries.map(({ actor, operation, httpStatus }) => [actor, operation, httpStatus]),
    [
      ['alice', 'listChannels', 403],
      ['root', 'updateChannel', 400],
      ['root', 'updateChannel', 200],
      ['root', 'createChannel', 201],
    ],
  )
  assert.equal(hasMore, false)
  assert.deepEqual([entries[2]?.before, entries[2]?.after], [{ priority: 0 }, { priority: 5 }])
  assert.deepEqual([entries[3]?.before, entries[3]?.after?.['name']], [null, 'one'])
  assert.ok(!JSON.stringify(entries).includes('sk-hush-hush'))

  const page = await read(`?target=${id}&limit=1`)
  assert.deepEqual([page.entries.map((line) => line.id), page.hasMore], [[entries[1]?.id], true])
  const next = await read(`?target=${id}&limit=1&before=${page.entries[0]?.id}`)
  assert.deepEqual([next.entries.map((line) => line.id), next.hasMore], [[entries[2]?.id], true])
  assert.equal((await read('?actor=alice')).entries.length, 1)
  assert.equal((await read('?to=2020-01-01T00:00:00%2B01:00')).entries.length, 0)
})

test('reading the audit log is in it, and is not for everybody', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  await api.send('GET', '/api/audit')
  for (const key of ['tenant', 'user']) assert.equal((await api.send('GET', '/api/audit', { key })).status, 403)
  assert.deepEqual(
    (await api.audited()).map(({ actor, httpStatus }) => [actor, httpStatus]),
    [
      ['root', 200],
      ['lead', 403],
      ['alice', 403],
    ],
  )
})

test('a filter that cannot be used is named', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['from=yesterday', 'from'],
    ['before=1', 'before'],
    ['actor=', 'actor'],
    ['status=200', 'status'],
  ]) {
    const { status, json } = await api.send('GET', `/api/audit?${query}`)
    const [detail] = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field], query)
  }
})

test('what cannot be written into the audit log is handed over, and the write stands', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  await store.query('ALTER TABLE audit_log RENAME TO away')
  const { status, json } = await api.send('POST', '/api/channels', { body: plain })
  assert.equal(status, 201)
  await store.query('ALTER TABLE away RENAME TO audit_log')
  assert.deepEqual(await api.audited(), [])
  assert.deepEqual(
    api.lost.map(({ operation, target }) => [operation, target]),
    [['createChannel', json['id']]],
  )
})
