import assert from 'node:assert/strict'
import { defaultDebugLog } from '../../../../proxy/domain/recording.ts'
import { createRecordingStore } from '../../../../proxy/store/recordings.ts'
import { NOW, startAdminApi } from '../../../support/admin-api.ts'
import { testEngines } from '../../../support/database.ts'
import { recordingAt } from '../../../support/recordings.ts'

testEngines('what was kept of a call is read, counted and removed by administrators', async (t, store) => {
  const api = await startAdminApi(t, store)
  const recordings = createRecordingStore(store.database)
  const old = recordingAt(NOW - 5000)
  const { id, request, response } = recordingAt(NOW)
  await recordings.append([old, { id, createdAt: NOW, request, response }])
  const read = async (of: string) => api.send('GET', `/api/logs/${of}/debug`)
  assert.deepEqual((await read(id)).json, {
    id,
    requestMethod: 'POST',
    requestPath: '/v1/messages',
    requestHeaders: { accept: '*/*' },
    requestBody: '{"model":"claude-fake"}',
    requestBodySize: 23,
    isRequestCut: false,
    responseStatus: 200,
    responseHeaders: {},
    responseBody: 'data: {}\n\n',
    responseBodySize: 5000,
    isResponseCut: true,
    createdAt: new Date(NOW).toISOString(),
  })
  assert.equal((await read('0'.repeat(26))).status, 404)
  const { bytes, ...stats } = (await api.send('GET', '/api/logs/debug/stats')).json
  assert.deepEqual(stats, { count: 2, withBodies: 2, oldest: new Date(NOW - 5000).toISOString() })
  assert.ok(Number(bytes) > 0)

  await recordings.prune(NOW, 0)
  const { requestBody, isRequestCut, responseBody, isResponseCut } = (await read(old.id)).json
  assert.deepEqual([requestBody, isRequestCut, responseBody, isResponseCut], [null, false, null, false])
  const cleared = (await api.send('DELETE', '/api/logs/debug/headers', { body: {} })).json
  assert.deepEqual([cleared['headersCleared'], cleared['deleted']], [1, 1])
  assert.equal((await read(id)).json['requestHeaders'], null)
  assert.equal((await api.send('DELETE', '/api/logs/debug', { body: {} })).json['deleted'], 1)
  assert.equal((await read(id)).status, 404)

  const lines = (await api.audited()).filter(({ operation }) => operation.includes('Debug'))
  assert.deepEqual(
    lines.map(({ operation, target, after }) => [operation, target, after]),
    [
      ['getLogDebug', id, null],
      ['getLogDebug', '0'.repeat(26), null],
      ['getDebugStats', null, null],
      ['getLogDebug', old.id, null],
      ['removeDebugHeaders', 'debug headers', '{"headersCleared":1,"deleted":1}'],
      ['getLogDebug', id, null],
      ['removeDebug', 'debug', '{"deleted":1}'],
      ['getLogDebug', id, null],
    ],
  )
})

testEngines('nothing is kept until somebody says so, and what is said replaces what was', async (t, store) => {
  const api = await startAdminApi(t, store)
  const path = '/api/config/debug-log'
  const { json: before, headers } = await api.send('GET', path)
  assert.deepEqual(before, defaultDebugLog)
  const body = { enabled: true, keyIds: ['key-1'], maxBodyKb: 64 }
  assert.equal((await api.send('PUT', path, { body })).status, 200)
  assert.deepEqual((await api.send('GET', path)).json, { ...defaultDebugLog, ...body })

  const stale = await api.send('PUT', path, { body: { enabled: false }, headers: { 'if-match': headers.etag ?? '' } })
  assert.equal(stale.status, 409)
  const refused: readonly (readonly [body: object, field: string])[] = [
    [{}, 'enabled'],
    [{ enabled: true, maxBodyKb: 4097 }, 'maxBodyKb'],
    [{ enabled: true, fullRetentionHours: 0 }, 'fullRetentionHours'],
    [{ enabled: true, headerRetentionHours: 23 }, 'headerRetentionHours'],
    [{ enabled: true, keyIds: [''] }, 'keyIds.0'],
    [{ enabled: true, retentionHours: 5 }, 'retentionHours'],
  ]
  for (const [wrong, field] of refused) {
    const { status, json } = await api.send('PUT', path, { body: wrong })
    const [detail] = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field])
  }
  assert.deepEqual((await api.send('GET', path)).json, { ...defaultDebugLog, ...body })
})
