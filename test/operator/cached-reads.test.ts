import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReaders, type Known } from '../../operator/cached-reads.ts'
import { createClient } from '../../operator/client/client.ts'
import { openConnection } from '../../operator/client/connection.ts'
import { kinds } from '../../operator/client/kinds.ts'
import { startFakeApiServer } from '../support/fake-api-server.ts'

const place = { namespace: 'a', name: 'one' }

test('what is watched is not asked for; a Secret is read once in five seconds, and what is done never takes an older one', async (t) => {
  const server = await startFakeApiServer()
  const connection = openConnection({
    readIdentity: () => Promise.resolve({ server: server.url, headers: {}, tls: {} }),
  })
  t.after(async () => {
    await connection.close()
    await server.close()
  })
  const secret = server.put({ apiVersion: 'v1', kind: 'Secret', metadata: place })
  const deployment = server.put({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: place, spec: { replicas: 1 } })
  server.put({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: place, spec: { replicas: 2 } })
  const known: Known = {
    isKnown: (kind) => kind !== kinds.PersistentVolumeClaim,
    all: () => [],
    one: (kind) => (kind === kinds.Deployment ? deployment : undefined),
  }
  let now = 0
  const begin = createReaders(createClient(connection), known, () => now)
  const asked = async (read: Promise<unknown>): Promise<readonly [count: number, answer: unknown]> => {
    const before = server.requests.length
    const answer = await read
    return [server.requests.length - before, answer]
  }

  const { cached, fresh } = begin()
  assert.deepEqual(await asked(cached.get(kinds.Deployment, place)), [0, deployment])
  assert.deepEqual(await asked(cached.get(kinds.Service, place)), [0, undefined])
  assert.deepEqual(await asked(cached.get(kinds.PersistentVolumeClaim, place)), [1, undefined])
  const [calls, answer] = await asked(fresh.get(kinds.Deployment, place))
  assert.deepEqual([calls, (answer as typeof deployment)['spec']], [1, { replicas: 2 }]) // safe: the Deployment

  assert.deepEqual(await asked(cached.get(kinds.Secret, place)), [1, secret])
  assert.deepEqual(await asked(fresh.get(kinds.Secret, place)), [0, secret], 'not twice in a pass')
  now = 4999
  const next = begin()
  assert.deepEqual(await asked(next.cached.get(kinds.Secret, place)), [0, secret])
  assert.deepEqual(await asked(next.fresh.get(kinds.Secret, place)), [1, secret])
  now = 10_000
  assert.deepEqual(await asked(begin().cached.get(kinds.Secret, place)), [1, secret])
})

test('a Secret that could not be read is asked for again', async () => {
  let attempts = 0
  const refuse = () => Promise.reject(new Error(`attempt ${(attempts += 1)}`))
  const known: Known = { isKnown: () => false, all: () => [], one: () => undefined }
  const client = { get: refuse } as unknown as Parameters<typeof createReaders>[0] // safe: nothing else is asked of it
  const { cached } = createReaders(client, known, () => 0)()
  await assert.rejects(cached.get(kinds.Secret, place), /attempt 1/)
  await assert.rejects(cached.get(kinds.Secret, place), /attempt 2/)
})
