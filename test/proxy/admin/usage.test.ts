import assert from 'node:assert/strict'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { write } from '../../support/counters.ts'
import { testEngines } from '../../support/database.ts'
import { entryAt } from '../../support/log-entries.ts'
import { withTenants } from '../../support/tenants.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const usage = { ...NO_USAGE, inputTokens: 1, outputTokens: 2 }
const call = { usage, spend: 3, costNanoUsd: 500_000_000, tenantId: 'tenant-1' }
const times = (calls: number) => ({
  calls,
  failedCalls: 0,
  inputTokens: calls,
  outputTokens: 2 * calls,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
  cost: calls / 2,
})
const iso = (at: number): string => new Date(at).toISOString()

testEngines(
  'it is told how the limits of keys and tenants stand, and to nobody whom it does not concern',
  async (t, store) => {
    const { makeKey } = await withTenants(store)
    await store.keys.tenants.update('tenant-1', { budget5h: 2_000_000_000, budgetMonth: 1_000_000_000 }, NOW)
    await makeKey(
      'own',
      { tenantId: 'tenant-1', tokenLimit: 10, budgetDay: 9_000_000_000, budgetIsCalendar: true },
      'own',
    )
    await makeKey('foreign', { tenantId: 'tenant-2' }, 'foreign')
    await write(store, [
      entryAt(NOW - 2 * DAY_MS, { ...call, keyId: 'own' }),
      entryAt(NOW - HOUR_MS, { ...call, keyId: 'own' }),
      entryAt(NOW, { ...call, keyId: 'own' }),
      entryAt(NOW, { ...call, keyId: '01JGF00000000000000TENANTS' }),
      entryAt(NOW, { ...call, keyId: 'foreign', tenantId: 'tenant-2' }),
    ])
    const api = await startAdminApi(t, store)
    const timeRange = { from: iso(NOW - DAY_MS), to: iso(NOW + 1) }

    const ofKey = await api.send('GET', '/api/keys/own/usage', { key: 'tenant' })
    const window = { startedAt: iso(NOW - HOUR_MS), endsAt: iso(NOW + 4 * HOUR_MS + 60_000) }
    assert.deepEqual(ofKey.json, {
      limits: {
        tokenLimit: { limit: 10, used: 6, remaining: 4, ...window },
        budget5hUsd: null,
        budgetDayUsd: {
          limit: '9.00',
          used: '0.50',
          remaining: '8.50',
          startedAt: iso(NOW),
          endsAt: iso(NOW + DAY_MS),
        },
        budgetMonthUsd: null,
      },
      timeRange,
      totals: times(2),
    })

    const from = iso(NOW - 3 * DAY_MS)
    const ofTenant = await api.send('GET', `/api/tenants/tenant-1/usage?by=day&from=${from}`, { key: 'tenant' })
    const limits = {
      budget5hUsd: { limit: '2.00', used: '1.50', remaining: '0.50', ...window },
      budgetDayUsd: null,
      // More than it was given: the oldest two have to leave.
      budgetMonthUsd: {
        limit: '1.00',
        used: '2.00',
        remaining: '0.00',
        startedAt: iso(NOW - 2 * DAY_MS),
        endsAt: iso(NOW + 30 * DAY_MS + HOUR_MS),
      },
    }
    assert.deepEqual(ofTenant.json, {
      limits,
      timeRange: { ...timeRange, from },
      totals: times(4),
      days: [
        { date: '2029-12-31', ...times(1) },
        { date: '2030-01-01', ...times(1) },
        { date: '2030-01-02', ...times(2) },
      ],
    })
    const { json: list } = await api.send('GET', '/api/tenants', { key: 'tenant' })
    const [listed, ...others] = list['tenants'] as readonly { readonly limits: object }[] // safe: held against the document
    assert.deepEqual([listed?.limits, others], [limits, []])

    for (const place of ['keys/foreign', 'tenants/tenant-2', 'keys/nobody', 'tenants/nobody']) {
      assert.equal((await api.send('GET', `/api/${place}/usage`, { key: 'tenant' })).status, 404, place)
    }
    const { json: others_ } = await api.send('GET', '/api/tenants/tenant-2/usage')
    assert.deepEqual(others_['totals'], times(1))
    const { json: stats } = await api.send('GET', '/api/logs/stats?tenantId=tenant-2', { key: 'tenant' })
    assert.equal(stats['totalRequests'], 3, 'statistics of another tenant are not to be had')
  },
)
