import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { ApiOperation } from '../../../proxy/domain/api-document.ts'
import { startAdminApi } from '../../support/admin-api.ts'
import { anyText } from '../../support/any-text.ts'
import { testEngines } from '../../support/database.ts'
import { rounds } from '../../support/rounds.ts'

const odd = fc.constantFrom('\0', '\ud800', '__proto__', 'constructor', '', ' ', "';--", '%', '🚇', 'x'.repeat(300))
const text = fc.oneof(odd, anyText(20), fc.constantFrom('messages', 'claude', 'https://x.example', 'active'))
const scalar = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(2 ** 53, -1, 1e-9),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
}))

/** Its answer has no end. */
const ENDLESS = 'streamLogs'

const price = { inputPrice: 1, outputPrice: 2 }

/** What an operation could be sent, but for one or two fields that are changed. */
const good: Readonly<Record<string, fc.Arbitrary<object>>> = {
  createChannel: fc.record({
    pool: fc.constant('chat'),
    name: text,
    serviceType: fc.constantFrom('claude', 'responses'),
    baseUrl: fc.constant('http://127.0.0.1:9'),
    modelMapping: fc.dictionary(text, text, { maxKeys: 1 }),
    description: text,
  }),
  addChannelKeys: fc.record({ apiKeys: fc.array(text, { minLength: 1 }) }),
  promoteChannel: fc.record({ duration: fc.nat(100_000) }),
  setChannelStatus: fc.constant({ status: 'active' }),
  replacePrices: fc.record({ models: fc.dictionary(text, fc.constant(price)) }),
  setPrice: fc.record({ model: text, description: text }).map((more) => ({ ...price, ...more })),
  setUserAlias: fc.record({ alias: text }),
  importUserAliases: fc.dictionary(text, text, { maxKeys: 2 }),
  setFailover: fc.constant({ rules: [{ errorCodes: '429', actionChain: [{ action: 'failover' }] }] }),
  replaceModelAliases: fc.record({ chatModels: fc.array(fc.record({ value: text, description: text })) }),
}

/** Bodies that speak of the fields which the document names, and sometimes of others. */
function bodyOf({ operationId, requestBody }: ApiOperation): fc.Arbitrary<unknown> {
  const properties = requestBody?.content['application/json'].schema['properties'] ?? {}
  const names = Object.keys(properties)
  const name = names.length === 0 ? text : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, text)
  const base = good[operationId] ?? fc.constant({})
  const changed = fc
    .tuple(base, fc.dictionary(name, value, { maxKeys: 2 }))
    .map(([one, other]) => ({ ...one, ...other }))
  return fc.oneof({ weight: 4, arbitrary: base }, { weight: 5, arbitrary: changed }, value)
}

testEngines(
  'whatever is sent to an operation, the answer is one that is documented, and none is a surprise',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    const made = await api.send('POST', '/api/channels', {
      body: { pool: 'messages', name: 'one', serviceType: 'claude', baseUrl: 'http://127.0.0.1:9' },
    })
    const there = String(made.json['id'])
    const requests = Object.entries(api.document.paths).flatMap(([path, byMethod]) =>
      Object.entries(byMethod)
        .filter(([, { operationId }]) => operationId !== ENDLESS)
        .map(([method, documented]) =>
          fc.record({
            method: fc.constant(method.toUpperCase()),
            path: fc
              .array(fc.oneof(fc.constant(there), text), { minLength: 2, maxLength: 2 })
              .map(([first = '', second = '']) =>
                path
                  .replace(/\{\w+\}/, encodeURIComponent(first.toWellFormed()))
                  .replace(/\{\w+\}/, encodeURIComponent(second.toWellFormed())),
              ),
            query: fc.oneof(
              { weight: 6, arbitrary: fc.constant({}) },
              fc.dictionary(fc.oneof(text, fc.constantFrom('pool', 'limit', 'before', 'model', 'from')), text, {
                maxKeys: 2,
              }),
            ),
            body: bodyOf(documented),
            ifMatch: fc.option(fc.constantFrom('"1"', '"99999999999999999999"', '*', '"x"'), {
              nil: undefined,
              freq: 6,
            }),
          }),
        ),
    )
    const seen = new Set<number>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(...requests), async ({ method, path, query, body, ifMatch }) => {
        const search = new URLSearchParams(query).toString()
        const { status } = await api.send(method, search === '' ? path : `${path}?${search}`, {
          headers: { 'content-type': 'application/json', ...(ifMatch !== undefined && { 'if-match': ifMatch }) },
          ...(method !== 'GET' && { body: JSON.stringify(body) }),
        })
        seen.add(status)
        assert.ok(status < 500, `${method} ${path}`)
      }),
      rounds(800),
    )
    for (const line of await api.audited())
      assert.doesNotThrow(() => [JSON.parse(line.before ?? '0'), JSON.parse(line.after ?? '0')])
    assert.deepEqual(api.lost, [])
    for (const status of [200, 201, 400, 404, 409]) assert.ok(seen.has(status), `some were answered ${status}`)
  },
)
