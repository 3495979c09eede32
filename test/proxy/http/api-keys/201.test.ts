import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

async function post(path: string, key: string, body: object = {}): Promise<Record<string, unknown>> {
  const { status, text } = await scene.ask(path, { method: 'POST', key, body })
  assert.ok(status === 200 || status === 201, text)
  return json(text)
}

const statusOf = async (path: string, key: string): Promise<number> => (await scene.ask(path, { key })).status

test('a key that is made opens at once, and after its rotation no longer with its old secret', async () => {
  const { id, key } = await post('/api/keys', scene.adminKey, { name: 'made' })
  assert.equal(await statusOf('/stats', String(key)), 200)
  const rotated = await post(`/api/keys/${String(id)}/rotate`, scene.adminKey)
  assert.equal(await statusOf('/stats', String(rotated['key'])), 200)
  await until('the old secret is refused', async () => (await statusOf('/stats', String(key))) === 401)
})

test('the key of a tenant’s administrator makes keys of its tenant, and a disabled tenant opens nothing', async () => {
  const tenant = await post('/api/tenants', scene.adminKey, { name: 'acme' })
  const tenantId = String(tenant['id'])
  const lead = String((await post('/api/keys', scene.adminKey, { name: 'lead', tenantId, isTenantAdmin: true }))['key'])
  const made = await post('/api/keys', lead, { name: 'member' })
  assert.deepEqual([made['tenantId'], made['tenant']], [tenantId, 'acme'])
  const { text } = await scene.ask('/api/keys', { key: lead })
  const keys = json(text)['keys'] as readonly { readonly name: string }[] // safe: compared
  assert.deepEqual(
    keys.map(({ name }) => name),
    ['lead', 'member'],
  )
  assert.equal(await statusOf('/api/channels', lead), 403)
  const body = { status: 'disabled' }
  await scene.ask(`/api/tenants/${tenantId}`, { method: 'PUT', body })
  await until('its keys are refused', async () => (await statusOf('/stats', String(made['key']))) === 403)
})
