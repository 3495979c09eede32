import assert from 'node:assert/strict'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { testEngines } from '../../support/database.ts'
import { withTenants } from '../../support/tenants.ts'

const unused = { budget5hUsd: null, budgetDayUsd: null, budgetMonthUsd: null }
/** A day of the calendar that has begun just now. */
const spent = {
  limit: '1.50',
  used: '0.00',
  remaining: '1.50',
  startedAt: '2030-01-02T00:00:00.000Z',
  endsAt: '2030-01-03T00:00:00.000Z',
}
const plain = {
  description: '',
  status: 'active',
  budget5hUsd: null,
  budgetDayUsd: null,
  budgetMonthUsd: null,
  budgetIsCalendar: false,
  createdAt: new Date(NOW).toISOString(),
  updatedAt: new Date(NOW).toISOString(),
  resetAt: null,
}

testEngines('a tenant is made, changed and removed, and the audit log tells it', async (t, store) => {
  const api = await startAdminApi(t, store)
  const made = await api.send('POST', '/api/tenants', { body: { name: 'acme', budgetMonthUsd: 500 } })
  const id = String(made.json['id'])
  assert.equal(made.status, 201, made.text)
  assert.deepEqual(made.json, { ...plain, id, name: 'acme', budgetMonthUsd: '500.00' })
  const changes = { status: 'disabled', budgetMonthUsd: null, budgetDayUsd: '1.5', budgetIsCalendar: true }
  const changed = await api.send('PUT', `/api/tenants/${id}`, { body: changes })
  const after = { ...plain, id, name: 'acme', ...changes, budgetDayUsd: '1.50' }
  assert.deepEqual([changed.status, changed.json], [200, after])
  const read = await api.send('GET', `/api/tenants/${id}`)
  assert.deepEqual(read.json, after)
  assert.deepEqual((await api.send('GET', '/api/tenants')).json, {
    tenants: [{ ...after, limits: { ...unused, budgetDayUsd: spent } }],
  })
  assert.deepEqual((await api.send('DELETE', `/api/tenants/${id}`)).json, { success: true, message: 'Tenant deleted' })
  assert.equal((await api.send('GET', `/api/tenants/${id}`)).status, 404)
  const writes = (await api.audited()).filter(({ before, after: made_ }) => before !== null || made_ !== null)
  assert.deepEqual(
    writes.map(({ operation, target, before, after: told }) => [
      operation,
      target,
      before !== null && (JSON.parse(before) as object), // safe: compared
      told !== null && (JSON.parse(told) as object), // safe: compared
    ]),
    [
      ['createTenant', id, false, made.json],
      [
        'updateTenant',
        id,
        { status: 'active', budgetDayUsd: null, budgetMonthUsd: '500.00', budgetIsCalendar: false },
        { ...changes, budgetDayUsd: '1.50' },
      ],
      ['deleteTenant', id, after, false],
    ],
  )
})

testEngines('a tenant with keys stays, and no two share a name', async (t, store) => {
  await withTenants(store)
  const api = await startAdminApi(t, store)
  for (const [method, path, body] of [
    ['DELETE', '/api/tenants/tenant-1', undefined],
    ['POST', '/api/tenants', { name: 'acme' }],
    ['PUT', '/api/tenants/tenant-2', { name: 'acme' }],
  ] as const) {
    const { status, json } = await api.send(method, path, body ? { body } : {})
    assert.deepEqual([status, json['code']], [409, 'conflict'], `${method} ${path}`)
  }
  for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']] as const) {
    const { status } = await api.send(method, '/api/tenants/acme', body ? { body } : {})
    assert.equal(status, 404, method)
  }
  for (const body of [{}, { name: 'x', status: 'gone' }, { name: 'x', budgetDayUsd: 'much' }, { name: 'x', id: '1' }]) {
    assert.equal((await api.send('POST', '/api/tenants', { body })).status, 400, JSON.stringify(body))
  }
})
