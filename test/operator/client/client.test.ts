import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError } from '../../../operator/client/api-error.ts'
import { createClient } from '../../../operator/client/client.ts'
import { openConnection } from '../../../operator/client/connection.ts'
import { identityFromKubeConfig } from '../../../operator/client/identity.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { createCertificate } from '../../support/certificate.ts'
import { type FaultAnswer, startFakeApiServer } from '../../support/fake-api-server.ts'

const server = await startFakeApiServer()
let token = 'first'
const answers: string[] = []
const readIdentity = () =>
  Promise.resolve({ server: server.url, headers: { authorization: `Bearer ${token}` }, tls: {} })
const connection = openConnection({
  readIdentity,
  onAnswer: ({ verb, resource, status }) => answers.push(`${verb} ${resource} ${status}`),
})
const client = createClient(connection)
/** For what is never answered: whatever is, is not to be late on a machine that stands still for a moment. */
const hasty = openConnection({ readIdentity, deadlineMs: 50 })
after(async () => {
  await connection.close()
  await hasty.close()
  await server.close()
})

const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'a' } }
const place = { namespace: 'a', name: 's' }

test('an object is applied, read, listed and removed', async () => {
  assert.equal(await client.get(kinds.Service, place), undefined)
  await client.apply({ ...service, spec: { type: 'ClusterIP' } })
  const { method, url, headers, body } = server.requests.at(-1) ?? assert.fail('nothing was asked')
  assert.equal(method, 'PATCH')
  assert.equal(url, '/api/v1/namespaces/a/services/s?fieldManager=tollgate-operator&fieldValidation=Warn&force=true')
  assert.equal(headers['content-type'], 'application/apply-patch+yaml')
  assert.deepEqual(JSON.parse(body), { ...service, spec: { type: 'ClusterIP' } })
  assert.deepEqual((await client.get(kinds.Service, place))?.['spec'], { type: 'ClusterIP' })
  assert.equal(await client.remove(kinds.Service, place, { uid: 'u' }), true)
  assert.match(server.requests.at(-1)?.body ?? '', /"preconditions":\{"uid":"u"\}/)
  assert.equal(await client.remove(kinds.Service, place), false)
  assert.ok(answers.includes('PATCH services 200') && answers.includes('GET services 404'))
})

test('a long list comes in pages, and its items say what they are', async () => {
  for (let i = 0; i < 1201; i += 1) server.put({ ...service, metadata: { name: `s${i}`, namespace: 'many' } })
  const sizes: number[] = []
  for await (const { items } of client.pages(kinds.Service, { namespace: 'many' })) sizes.push(items.length)
  assert.deepEqual(sizes, [500, 500, 201])
  const all = await client.list(kinds.Service, { namespace: 'many' })
  assert.deepEqual(new Set(all.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)), new Set(['v1 Service']))
})

test('who writes on what is no longer there is told of the conflict', async () => {
  const created = await client.create({ ...service, metadata: { name: 'c', namespace: 'a' } })
  await client.update(created)
  await assert.rejects(client.update(created), (error) => error instanceof ApiError && error.isConflict)
  await assert.rejects(client.create(created), (error) => error instanceof ApiError && error.isAlreadyExists)
})

const refusals: Readonly<Record<string, [FaultAnswer, Partial<ApiError>]>> = {
  'too many requests': [
    { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' },
    { status: 429, reason: 'Unknown', retryAfterMs: 7000, explanation: undefined },
  ],
  'a refusal in a Status': [
    { status: 403, body: '{"kind":"Status","reason":"Forbidden","message":"exceeded quota: q"}' },
    { status: 403, reason: 'Forbidden', retryAfterMs: undefined, explanation: 'exceeded quota: q' },
  ],
  'an error page of a load balancer': [
    { status: 502, body: '<html>secret</html>' },
    { status: 502, reason: 'Unknown' },
  ],
  'a reset': [
    { status: 0, instead: 'reset' },
    { status: 0, reason: 'Unreachable' },
  ],
  'no answer until the deadline': [
    { status: 0, instead: 'hang' },
    { status: 0, reason: 'Timeout' },
  ],
}
for (const [what, [answer, expected]] of Object.entries(refusals)) {
  test(`${what} is an error without the body`, async () => {
    server.setFault(() => answer)
    const asking = answer.instead === 'hang' ? createClient(hasty) : client
    const error = await asking.get(kinds.Service, place).catch((thrown: unknown) => thrown)
    server.setFault(undefined)
    assert.ok(error instanceof ApiError)
    for (const [name, value] of Object.entries(expected)) assert.equal(Reflect.get(error, name), value, name)
    assert.doesNotMatch(error.message, /slow down|quota|secret/)
  })
}

test('an error about a Secret quotes nothing', async () => {
  server.setFault(() => ({ status: 422, body: '{"reason":"Invalid","message":"bad value: hunter2"}' }))
  const error = await client.get(kinds.Secret, place).catch((thrown: unknown) => thrown)
  server.setFault(undefined)
  assert.ok(error instanceof ApiError)
  assert.equal(error.explanation, undefined)
})

test('an expired token is read anew, and the call is answered', async () => {
  server.setToken('second')
  token = 'second'
  assert.equal(await client.version(), 'v1.34.0')
  token = 'third'
  server.setToken('fourth')
  await assert.rejects(client.version(), (error) => error instanceof ApiError && error.status === 401)
  token = 'fourth'
  await client.version()
})

test('who was told to stop asks nothing more', async () => {
  const stopping = new AbortController()
  const bounded = createClient(connection, { signal: stopping.signal })
  server.setFault(() => ({ status: 0, instead: 'hang' }))
  const asked = bounded.version()
  stopping.abort(new Error('stopped'))
  await assert.rejects(asked, /stopped/)
  server.setFault(undefined)
  const before = server.requests.length
  await assert.rejects(bounded.apply(service), /stopped/)
  assert.equal(server.requests.length, before)
})

test('a kind is served or not', async () => {
  assert.equal(await client.hasKind(kinds.Deployment), true)
  assert.equal(await client.hasKind(kinds.ReplicaSet), false)
  assert.equal(await client.hasKind(kinds.ServiceMonitor), false)
})

test('a kubeconfig says where the server is, whom to trust and who we are; a replaced authority is trusted at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tg-kubeconfig-'))
  const certificates = [await createCertificate(), await createCertificate()] as const
  const servers = [await startFakeApiServer(certificates[0]), await startFakeApiServer(certificates[1])] as const
  const file = join(folder, 'config')
  const write = (url: string, caFile: string) =>
    writeFile(
      file,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: `${url}/`, 'certificate-authority': caFile } }],
        users: [{ name: 'u', user: { token: 'from-file' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    )
  const secured = openConnection({ readIdentity: identityFromKubeConfig(file), identityMs: 0 })
  try {
    for (const [i, { url }] of servers.entries()) {
      await write(url, certificates[i]?.caFile ?? '')
      servers[i]?.setToken('from-file')
      assert.equal(await createClient(secured).version(), 'v1.34.0')
    }
    await write(servers[0].url, certificates[1].caFile)
    await assert.rejects(createClient(secured).version(), (error) => error instanceof ApiError && error.status === 0)
  } finally {
    await secured.close()
    for (const part of servers) await part.close()
    for (const part of certificates) await part.remove()
    await rm(folder, { recursive: true })
  }
})
