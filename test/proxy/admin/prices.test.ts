import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultPrices } from '../../../proxy/store/default-prices.ts'
import { createPriceStore } from '../../../proxy/store/prices.ts'
import { type AdminApi, startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const SONNET = { inputPrice: 3, outputPrice: 15, cacheCreationPrice: null, cacheReadPrice: 0.3 }
const SHOWN = {
  inputPrice: 3,
  outputPrice: 15,
  cacheCreationPrice: 3.75,
  cacheCreation1hPrice: null,
  cacheReadPrice: 0.3,
  description: '',
  exportToModels: true,
}

async function models(api: AdminApi): Promise<Readonly<Record<string, object>>> {
  const { json } = await api.send('GET', '/api/pricing')
  assert.equal(json['currency'], 'USD')
  return json['models'] as Record<string, object> // safe: held against the document
}

async function send(api: AdminApi, method: string, path: string, body?: object): Promise<void> {
  const { status, json, text } = await api.send(method, path, { ...(body && { body }) })
  assert.deepEqual([status, json['success']], [200, true], text)
}

testEngines('prices are set, shown and removed model by model', async (t, store) => {
  const api = await startAdminApi(t, store)
  assert.deepEqual(await models(api), {})
  await send(api, 'PUT', '/api/pricing/models', { model: 'vendor/sonnet', ...SONNET })
  await send(api, 'PUT', '/api/pricing/models', {
    model: 'tiny',
    inputPrice: 0.000000001,
    outputPrice: 0,
    exportToModels: false,
  })
  assert.deepEqual(await models(api), {
    tiny: {
      ...SHOWN,
      inputPrice: 1e-9,
      outputPrice: 0,
      cacheCreationPrice: 1e-9,
      cacheReadPrice: 0,
      exportToModels: false,
    },
    'vendor/sonnet': SHOWN,
  })
  assert.equal((await createPriceStore(store.database).list()).get('vendor/sonnet')?.cacheWrite, 3_750_000_000)
  await send(api, 'DELETE', '/api/pricing/models?model=vendor%2Fsonnet')
  await send(api, 'DELETE', '/api/pricing/models', { model: 'tiny' })
  assert.deepEqual(await models(api), {})
  const line = (await api.audited()).findLast(({ operation }) => operation === 'deletePrice')
  assert.deepEqual([line?.target, line?.after], ['tiny', null])
  assert.match(line?.before ?? '', /"inputPrice":1e-9/)
})

testEngines('all prices are replaced at once, and go back to those of the program', async (t, store) => {
  const api = await startAdminApi(t, store)
  await send(api, 'PUT', '/api/pricing', { models: { old: SONNET, both: SONNET } })
  await send(api, 'PUT', '/api/pricing', { models: { both: SONNET, new: SONNET }, currency: 'USD' })
  assert.deepEqual(await models(api), { both: SHOWN, new: SHOWN })
  const lines = (await api.audited()).filter(({ operation }) => operation === 'replacePrices')
  const [before, after] = [lines[1]?.before, lines[1]?.after].map((text) =>
    Object.keys(JSON.parse(text ?? '') as object),
  ) // safe: compared
  assert.deepEqual([before, after], [['old'], ['new']])
  await send(api, 'POST', '/api/pricing/reset')
  assert.deepEqual(
    await createPriceStore(store.database).list(),
    new Map([...defaultPrices].toSorted(([one], [other]) => (one < other ? -1 : 1))),
  )
  // What is shown can be sent back.
  const shown = await models(api)
  await send(api, 'PUT', '/api/pricing', { models: shown, currency: 'USD' })
  assert.deepEqual(await models(api), shown)
})

testEngines('a change of prices that goes by an older configuration is refused', async (t, store) => {
  const api = await startAdminApi(t, store)
  await send(api, 'PUT', '/api/pricing/models', { model: 'sonnet', ...SONNET })
  const { headers } = await api.send('GET', '/api/pricing')
  await send(api, 'PUT', '/api/pricing/models', { model: 'opus', ...SONNET })
  for (const [method, path, body] of [
    ['PUT', '/api/pricing', { models: {} }],
    ['POST', '/api/pricing/reset', {}],
    ['PUT', '/api/pricing/models', { model: 'sonnet', ...SONNET, inputPrice: 9 }],
    ['DELETE', '/api/pricing/models?model=sonnet', {}],
  ] as const) {
    const answer = await api.send(method, path, { body, headers: { 'if-match': headers.etag ?? '' } })
    assert.deepEqual([answer.status, answer.json['code']], [409, 'revision_conflict'], `${method} ${path}`)
  }
  assert.deepEqual(await models(api), { opus: SHOWN, sonnet: SHOWN })
})

test('what is no price is refused with its field, and nothing is written', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  await send(api, 'PUT', '/api/pricing/models', { model: 'sonnet', ...SONNET })
  const refused: readonly (readonly [method: string, path: string, body: object, fields: readonly string[]])[] = [
    ['PUT', '/api/pricing/models', { model: 'x', inputPrice: -1, outputPrice: '1' }, ['inputPrice', 'outputPrice']],
    ['PUT', '/api/pricing/models', { model: '', inputPrice: 1, outputPrice: 1 }, ['model']],
    ['PUT', '/api/pricing/models', { model: 'x', inputPrice: 1.0000000001, outputPrice: 1 }, ['inputPrice']],
    ['PUT', '/api/pricing/models', { model: 'x', inputPrice: 1 }, ['outputPrice']],
    ['PUT', '/api/pricing', { models: { a: SONNET, b: { ...SONNET, outputPrice: 1e-10 } } }, ['models.b.outputPrice']],
    ['PUT', '/api/pricing', { models: { a: { ...SONNET, price: 1 } } }, ['models.a.price']],
    ['PUT', '/api/pricing', { models: {}, currency: 'EUR' }, ['currency']],
    ['DELETE', '/api/pricing/models', {}, ['model']],
    ['DELETE', '/api/pricing/models?model=sonnet', { model: 'sonnet' }, ['model']],
  ]
  for (const [method, path, body, fields] of refused) {
    const { status, json } = await api.send(method, path, { body })
    const details = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, details.map(({ field }) => field)], [400, fields], JSON.stringify(body))
  }
  const { status, json } = await api.send('DELETE', '/api/pricing/models?model=none')
  assert.deepEqual([status, json['code']], [404, 'not_found'])
  assert.deepEqual(await models(api), { sonnet: SHOWN })
})
