import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { keyOf } from '../../../operator/loop/cache.ts'
import { startListWatch } from '../../../operator/loop/list-watch.ts'
import { startFakeApiServer } from '../../support/fake-api-server.ts'
import { until } from '../../support/until.ts'

const store = (name: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'tollgate.dev/v1alpha1',
  kind: 'ApiKeyStore',
  metadata: { name, namespace: 'a' },
  ...fields,
})

interface Timing {
  readonly relistMs?: number
  readonly silenceMs?: number
}

async function scene(t: TestContext, timing: Timing = {}) {
  const server = await startFakeApiServer()
  let token = 'good'
  const readIdentity = () =>
    Promise.resolve({ server: server.url, headers: { authorization: `Bearer ${token}` }, tls: {} })
  const connection = openConnection({ readIdentity, deadlineMs: 2000 })
  const told: string[] = []
  const restarts: string[] = []
  const missed: string[] = []
  const errors: unknown[] = []
  let thrower: string | undefined
  server.put(store('first'))
  const watch = startListWatch({
    connection,
    kind: kinds.ApiKeyStore,
    selection: {},
    keep: (object) => object,
    onChange(object, change) {
      if (object.metadata.name === thrower) throw new Error('the listener fails')
      told.push(`${change} ${object.metadata.name}`)
    },
    onRestart: (cause) => restarts.push(cause),
    onMissed: (object) => missed.push(object.metadata.name),
    onError: (error) => errors.push(error),
    chance: () => 0.5,
    timing: { retry: { minMs: 1, maxMs: 50 }, ...timing },
  })
  t.after(async () => {
    await watch.stop()
    await connection.close()
    await server.close()
  })
  await until('the first list and watch', () => watch.isSynced() && server.watches() === 1)
  return {
    server,
    watch,
    told,
    restarts,
    missed,
    errors,
    throwAt: (name: string) => (thrower = name),
    setToken: (next: string) => {
      token = next
      server.setToken(next)
    },
    /** The server and the cache know the same objects at the same versions, and the watch is open. */
    agree: (what: string) =>
      until(what, () => {
        const there = new Map(server.objects().map((object) => [keyOf(object), object.metadata.resourceVersion]))
        const known = [...watch.cache.all()]
        const isSame = known.every((object) => there.get(keyOf(object)) === object.metadata.resourceVersion)
        return server.watches() === 1 && there.size === known.length && isSame
      }),
  }
}

test('what there is and what changes is told once', async (t) => {
  const { server, watch, told, agree } = await scene(t)
  server.put(store('second'))
  server.put(store('second'))
  server.delete(store('first'))
  server.bookmark()
  await agree('three changes')
  assert.deepEqual(told, ['added first', 'added second', 'changed second', 'removed first'])
  assert.equal(watch.cache.get('a', 'first'), undefined)
  assert.match(
    server.requests.at(-1)?.url ?? '',
    /watch=true&allowWatchBookmarks=true&resourceVersion=2&timeoutSeconds=320/,
  )
})

const faults: Readonly<Record<string, [cause: string, fault: (server: Server) => void, timing?: Timing]>> = {
  'is reset in the middle of a line': ['unreachable', (server) => server.cutWatches()],
  'goes half-open': ['silent', (server) => server.freezeWatches(), { silenceMs: 100 }],
  'is told 410 in an event': [
    'gone',
    (server) => {
      server.compact()
      server.failWatches(410)
    },
  ],
  'is told 410 when it asks again': [
    'gone',
    (server) => {
      server.putSilently(store('silent'))
      server.compact()
      server.endWatches()
    },
  ],
  'is told 500 in an event': ['refused', (server) => server.failWatches(500)],
  'is told 429 in an event': ['throttled', (server) => server.failWatches(429, 0.05)],
  'is ended in order': [
    'ended',
    (server) => {
      server.bookmark()
      server.endWatches()
    },
  ],
  'is ended before anything came': ['ended', (server) => server.endWatches()],
  'gets what is no JSON': ['broken', (server) => server.spoil()],
}
type Server = Awaited<ReturnType<typeof startFakeApiServer>>

for (const [what, [cause, fault, timing]] of Object.entries(faults)) {
  test(`a watch that ${what} goes on, and misses nothing`, async (t) => {
    const { server, told, restarts, agree } = await scene(t, timing)
    fault(server)
    server.put(store('meanwhile'))
    server.delete(store('first'))
    await until(`a restart: ${cause}`, () => restarts.includes(cause))
    await agree('the changes meanwhile')
    server.put(store('later'))
    await agree('a change afterwards')
    for (const each of ['added meanwhile', 'removed first', 'added later']) assert.ok(told.includes(each), told.join())
  })
}

test('a server that refuses for a while, lists and watches, is asked again until it answers', async (t) => {
  const { server, restarts, agree } = await scene(t)
  const statuses = [500, 503, 429, 403, 410, 0]
  server.setFault(() => {
    const status = statuses.shift()
    if (status === undefined) return undefined
    return { status, body: '<html>', headers: { 'retry-after': '0.01' }, ...(status === 0 && { instead: 'reset' }) }
  })
  server.compact()
  server.put(store('meanwhile'))
  server.cutWatches()
  await agree('recovery')
  assert.deepEqual(statuses, [])
  assert.ok(restarts.length >= 6)
})

test('a token that expires while a watch is open is renewed', async (t) => {
  const { server, setToken, agree } = await scene(t)
  setToken('newer')
  server.cutWatches()
  server.put(store('meanwhile'))
  await agree('recovery')
})

test('objects of 2 MiB and lines in small pieces arrive whole', async (t) => {
  const { server, watch, agree } = await scene(t)
  const text = 'ä€😀'.repeat(233_017)
  server.split(65_521)
  server.put(store('big', { text }))
  await agree('the big one')
  server.split(3)
  server.put(store('small', { text: 'ä€😀' }))
  await agree('the small one')
  assert.equal(watch.cache.get('a', 'big')?.['text'], text)
  assert.equal(watch.cache.get('a', 'small')?.['text'], 'ä€😀')
})

test('what the watch does not tell is found by the next list, and counted', async (t) => {
  const { server, watch, missed, agree } = await scene(t, { relistMs: 500 }) // ample time for the bookmark to come first
  server.putSilently(store('lost'))
  server.bookmark()
  await agree('the next list')
  assert.deepEqual(missed, ['lost'])
  server.put(store('told'))
  await agree('the change')
  const { length } = server.requests
  await until('another list', () => server.requests.length > length + 2)
  assert.deepEqual(missed, ['lost'])
  assert.ok(watch.silentMs() < 20_000 && watch.stuckMs() < 20_000)
})

test('a listener that throws loses nothing that follows', async (t) => {
  const { server, told, errors, throwAt, agree } = await scene(t)
  throwAt('bad')
  server.put(store('bad'))
  server.put(store('good'))
  await agree('both')
  assert.equal(errors.length, 1)
  assert.ok(told.includes('added good'))
})

test('a server that is shut down and another one in its place', async (t) => {
  const { server, watch, restarts } = await scene(t)
  server.setFault(() => ({ status: 0, instead: 'reset' }))
  server.endWatches()
  await until('attempts', () => restarts.filter((cause) => cause === 'unreachable').length > 3)
  assert.equal(watch.cache.size(), 1)
  assert.equal(watch.isSynced(), true)
})
