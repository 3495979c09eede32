import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { operation } from '../../../proxy/admin/operation.ts'
import { errorCatalogue } from '../../../proxy/domain/errors.ts'
import { type AdminApi, startAdminApi } from '../../support/admin-api.ts'
import { ask, json } from '../../support/ask.ts'
import { openDatabase } from '../../support/database.ts'

/** Every JSON schema of a document, with the place it stands in. */
function schemasOf({
  document,
}: AdminApi): readonly (readonly [place: string, schema: Readonly<Record<string, unknown>>])[] {
  const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, documented]) => [`${method} ${path}`, documented] as const),
  )
  return operations.flatMap(([place, { parameters, requestBody, responses }]) => [
    ...parameters.map(({ name, schema }) => [`${place} ${name}`, schema] as const),
    ...(requestBody ? [[`${place} body`, requestBody.content['application/json'].schema] as const] : []),
    ...Object.entries(responses).flatMap(([status, { content }]) =>
      content ? [[`${place} ${status}`, content['application/json'].schema] as const] : [],
    ),
  ])
}

test('the document is there for everybody, and is the one of the operations', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const { status, json: document } = await api.send('GET', '/openapi.json', { key: null })
  assert.equal(status, 200)
  assert.equal(document['openapi'], '3.1.1')
  const ids = Object.values(api.document.paths).flatMap((byMethod) =>
    Object.values(byMethod).map(({ operationId }) => operationId),
  )
  assert.deepEqual(ids.toSorted(), api.operations.map(({ id }) => id).toSorted())
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(document, JSON.parse(JSON.stringify(api.document)))
})

test('every schema in it can be used, and none is left open', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const schemas = schemasOf(api)
  assert.ok(schemas.length > 50)
  for (const [place, schema] of schemas) {
    if ('$ref' in schema) assert.equal(schema['$ref'], '#/components/schemas/Error', place)
    else assert.doesNotThrow(() => z.fromJSONSchema(schema), place)
  }
})

test('what the document gives as an example is accepted', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  let count = 0
  for (const [path, byMethod] of Object.entries(api.document.paths)) {
    for (const [method, { requestBody }] of Object.entries(byMethod)) {
      const body = requestBody?.content['application/json'].example
      if (body === undefined) continue
      const { status, text } = await api.send(method.toUpperCase(), path, { body: body as object }) // safe: sent as it is
      assert.ok(status < 300, `${method} ${path}: ${text}`)
      count += 1
    }
  }
  assert.ok(count >= 3)
})

test('every parameter of a path is documented, and no other', async (t) => {
  const { document } = await startAdminApi(t, await openDatabase(t))
  for (const [path, byMethod] of Object.entries(document.paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
    for (const [method, { parameters }] of Object.entries(byMethod)) {
      const documented = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      assert.deepEqual(new Set(documented), new Set(named), `${method} ${path}`)
    }
  }
})

test('every operation has a summary, a group, and the errors that it can meet', async (t) => {
  const { document, operations } = await startAdminApi(t, await openDatabase(t))
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const { method, path, id, access } of operations) {
    const documented = document.paths[path]?.[method.toLowerCase()]
    assert.ok(documented, id)
    assert.match(documented.summary, /^[A-Z].*[^.]$/, id)
    assert.ok(documented.tags.every((tag) => tags.has(tag)) && documented.tags.length === 1, id)
    assert.equal(documented.security.length === 0, access === 'public', id)
    if (access !== 'public')
      assert.deepEqual(
        Object.keys(documented.responses).filter((status) => ['401', '403', '429', '501'].includes(status)),
        ['401', '403', '429', '501'],
        id,
      )
  }
  const code = document.components.schemas['Error']?.['properties'] as { code: { enum: string[] } } // safe: compared
  assert.deepEqual(code.code.enum, Object.keys(errorCatalogue))
})

test('no operation is open to who is no administrator, but those that are so for everybody', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  for (const { method, path, access, id } of api.operations) {
    const place = path.replaceAll(/\{\w+\}/g, 'abcd0123')
    const body = method === 'GET' ? {} : { body: {} }
    const statuses = async (key: string | null) => (await api.send(method, place, { key, ...body })).status
    const seen = [await statuses(null), await statuses('user'), await statuses('tenant')]
    const tenants = access === 'tenant' ? seen[2] : 403
    assert.deepEqual(seen, access === 'public' ? [200, 200, 200] : [401, 403, tenants], id)
  }
})

test('the page names every operation, runs no script and loads nothing', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const { status, headers, text } = await ask(`${api.url}/api/docs`)
  assert.equal(status, 200)
  assert.match(headers['content-type'] ?? '', /^text\/html/)
  assert.match(String(headers['content-security-policy']), /script-src 'self'/)
  for (const { id, path } of api.operations) {
    assert.ok(text.includes(`id="${id}"`) && text.includes(`<code>${path}</code>`), id)
  }
  assert.doesNotMatch(text, /<script|<link|<img|\son\w+=|src=/)
})

test('a text in the document cannot become a part of the page', async (t) => {
  const evil = '<script>alert("1")</script>&'
  const description = { id: 'evil', method: 'GET', path: '/api/evil', access: 'public', tag: 'Test' } as const
  const one = operation(
    { ...description, summary: evil, description: evil, answer: z.strictObject({ [evil]: z.string().describe(evil) }) },
    async () => ({ body: { [evil]: '' } }),
  )
  const api = await startAdminApi(t, await openDatabase(t), { operations: [one] })
  const { text } = await ask(`${api.url}/api/docs`)
  assert.ok(text.includes('&lt;script&gt;alert('))
  assert.doesNotMatch(text, /<script/)
})

test('with a key file the document can be read', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t), { hasDatabase: false })
  for (const path of ['/openapi.json', '/api/docs']) assert.equal((await ask(api.url + path)).status, 200)
  const { status, text } = await ask(`${api.url}/api/channels`, { headers: { authorization: 'Bearer admin' } })
  assert.deepEqual([status, json(text)['code']], [501, 'needs_database'])
})
