import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdminApi } from '../../../support/admin-api.ts'
import { openDatabase } from '../../../support/database.ts'

test('whoever administers a tenant reads, and neither deletes nor reports', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  const ofLogs = api.operations.filter(({ path }) => path.startsWith('/api/logs'))
  const statuses = async (key: string) =>
    Promise.all(
      ofLogs.map(async ({ id, method, path }) => {
        const sent = method === 'GET' ? { key } : { key, body: {} }
        const { status } = await api.send(method, path.replace('{id}', '0'.repeat(26)), sent)
        return [id, status]
      }),
    )
  const debug = { getLogDebug: 403, getDebugStats: 403, removeDebug: 403, removeDebugHeaders: 403 }
  const admins = { cleanUpLogs: 403, clearLogs: 403, reportLog: 403, streamLogs: 403, ...debug }
  const reads = { getLogStatistics: 200, listActiveSessions: 200, getDailyLogStatistics: 200, getLogHistory: 200 }
  assert.deepEqual(Object.fromEntries(await statuses('tenant')), { listLogs: 200, getLog: 404, ...reads, ...admins })
  assert.deepEqual(new Set(Object.values(Object.fromEntries(await statuses('user')))), new Set([403]))
})
