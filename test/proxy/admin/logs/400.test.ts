import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW, startAdminApi } from '../../../support/admin-api.ts'
import { openDatabase } from '../../../support/database.ts'

const later = new Date(NOW + 3_600_000).toISOString()

const wrong: readonly (readonly [method: string, path: string, field: string, body?: object])[] = [
  ['GET', '/api/logs?limit=0', 'limit'],
  ['GET', '/api/logs?limit=501', 'limit'],
  ['GET', '/api/logs?offset=10001', 'offset'],
  ['GET', '/api/logs?before=1', 'before'],
  ['GET', '/api/logs?httpStatus=6xx', 'httpStatus'],
  ['GET', '/api/logs?httpStatus=42', 'httpStatus'],
  ['GET', '/api/logs?from=yesterday', 'from'],
  ['GET', '/api/logs?status=done', 'status'],
  ['GET', '/api/logs?colour=red', 'colour'],
  ['GET', '/api/logs?channel=', 'channel'],
  ['GET', '/api/logs?model=%00', 'model'],
  ['GET', '/api/logs/stats?tenantId=%00', 'tenantId'],
  ['GET', '/api/logs/stats/history?endpoint=%00', 'endpoint'],
  ['GET', '/api/logs/1', 'id'],
  ['GET', `/api/logs/stats?from=${later}`, 'from'],
  ['GET', '/api/logs/stats?from=2028-01-01T00:00:00Z', 'from'],
  ['GET', '/api/logs/stats?from=0000-01-01T00:00:00Z&to=0000-01-02T00:00:00Z', 'from'],
  ['GET', '/api/logs/stats/history?duration=2h', 'duration'],
  ['GET', '/api/logs/stats/history?duration=period', 'from'],
  ['GET', '/api/logs/sessions/active?threshold=soon', 'threshold'],
  ['POST', '/api/logs/cleanup', 'days'],
  ['POST', '/api/logs/cleanup?days=29', 'days'],
  ['POST', '/api/logs/hooks/anthropic', 'requestId', { model: 'm' }],
  ['POST', '/api/logs/hooks/anthropic', 'model', { requestId: 'r' }],
  ['POST', '/api/logs/hooks/anthropic', 'inputTokens', { requestId: 'r', model: 'm', inputTokens: -1 }],
  ['POST', '/api/logs/hooks/anthropic', 'price', { requestId: 'r', model: 'm', price: -0.01 }],
  ['POST', '/api/logs/hooks/anthropic', 'httpStatus', { requestId: 'r', model: 'm', httpStatus: 1000 }],
  ['POST', '/api/logs/hooks/anthropic', 'status', { requestId: 'r', model: 'm', status: 'odd' }],
  ['POST', '/api/logs/hooks/anthropic', 'initialTime', { requestId: 'r', model: 'm', initialTime: later }],
  ['POST', '/api/logs/hooks/anthropic', 'durationMs', { requestId: 'r', model: 'm', durationMs: 1e10 }],
  [
    'POST',
    '/api/logs/hooks/anthropic',
    'initialTime',
    { requestId: 'r', model: 'm', initialTime: '2029-12-31T00:00:00Z' },
  ],
  ['POST', '/api/logs/hooks/anthropic', 'prompt', { requestId: 'r', model: 'm', prompt: 'hush' }],
]

test('what cannot be used is named, and nothing is done', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  for (const [method, path, field, body] of wrong) {
    const { status, json, text } = await api.send(method, path, body && { body })
    const [detail] = (json['details'] ?? []) as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field], `${method} ${path} ${text.slice(0, 300)}`)
    assert.ok(!text.includes('hush'))
  }
  assert.deepEqual(await store.query('SELECT id FROM request_logs'), [])
})
