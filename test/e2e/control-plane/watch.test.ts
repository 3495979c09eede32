import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiError } from '../../../operator/client/api-error.ts'
import { createClient } from '../../../operator/client/client.ts'
import { type Connection, openConnection } from '../../../operator/client/connection.ts'
import { identityFromKubeConfig } from '../../../operator/client/identity.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { competeForLease } from '../../../operator/loop/lease.ts'
import { type ListWatch, startListWatch } from '../../../operator/loop/list-watch.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { rounds } from '../../support/rounds.ts'
import { until } from '../../support/until.ts'

const { numRuns: CHANGES, seed: SEED } = rounds(5000)
const WRITERS = 20

let cluster: ControlPlane
let direct: Connection
before(async () => {
  cluster = await startControlPlane()
  direct = openConnection({ readIdentity: identityFromKubeConfig(cluster.kubeconfig) })
})
after(async () => {
  await direct.close()
  await cluster.close()
})

/** A watch of a namespace's ConfigMaps through a proxy with faults; what it tells, by name, in order. */
async function watchThroughFaults(namespace: string) {
  const { hostname, port } = new URL(cluster.server)
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) })
  // The certificate is made out to the server's address, which is not the proxy's where a cluster is given.
  const { ca, certificate: cert, key } = cluster
  const tls = { ca, cert, key, ...(isIP(hostname) === 0 && { servername: hostname }) }
  const readIdentity = () => Promise.resolve({ server: `https://127.0.0.1:${proxy.port}`, headers: {}, tls })
  const connection = openConnection({ readIdentity, deadlineMs: 2000 })
  const told = new Map<string, string[]>()
  const restarts = new Map<string, number>()
  const missed: string[] = []
  const watch = startListWatch({
    connection,
    kind: kinds.ConfigMap,
    selection: { namespace, labelSelector: 'test=watch' },
    keep: (object) => object,
    onChange({ metadata: { name }, ...object }, what) {
      const data = object['data'] as { readonly n: string } // safe: all of them are ours
      told.set(name, [...(told.get(name) ?? []), what === 'removed' ? what : `${what} ${data.n}`])
    },
    onRestart: (cause) => restarts.set(cause, (restarts.get(cause) ?? 0) + 1),
    onMissed: ({ metadata }) => missed.push(metadata.name),
    onError: (error) => assert.fail(String(error)),
    chance: chanceFrom(SEED),
    timing: { silenceMs: 150, retry: { minMs: 5, maxMs: 50 } },
  })
  async function close(): Promise<void> {
    await watch.stop()
    await connection.close()
    await proxy.close()
  }
  return { proxy, watch, told, restarts, missed, close }
}

test(`of ${CHANGES} changes none is missed, however often the connection fails`, async (t) => {
  const namespace = await cluster.createNamespace()
  const { proxy, watch, told, restarts, missed, close } = await watchThroughFaults(namespace)
  t.after(close)
  await until('the first list', () => watch.isSynced(), 180_000)

  const stopped = new AbortController()
  const faults = fail(proxy, chanceFrom(SEED), stopped.signal)
  const done = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) =>
      change(namespace, `w${i}`, Math.ceil(CHANGES / WRITERS), chanceFrom(SEED + i)),
    ),
  )
  stopped.abort()
  await faults
  proxy.heal()

  const expected = new Map(done)
  const count = (all: ReadonlyMap<string, readonly string[]>): number => [...all.values()].flat().length
  await until('all that was done is told', () => count(told) >= count(expected), 180_000)
  assert.deepEqual(Object.fromEntries(told), Object.fromEntries(expected))
  assert.deepEqual(missed, [])
  await agree(watch, namespace)
  const times = [...restarts.values()].reduce((sum, each) => sum + each, 0)
  t.diagnostic(`${count(told)} changes, ${times} restarts: ${JSON.stringify(Object.fromEntries(restarts))}`)
  assert.ok(CHANGES < 1000 || (restarts.has('unreachable') && restarts.has('silent')), 'there were faults')
  assert.equal(restarts.get('broken'), undefined)
})

test('an API server that is away for a while is found again', async (t) => {
  if (!cluster.isOwn) return t.skip('the cluster is not ours to stop')
  const namespace = await cluster.createNamespace()
  const { watch, told, close } = await watchThroughFaults(namespace)
  t.after(close)
  await until('the first list', () => watch.isSynced(), 180_000)
  const [, earlier] = await change(namespace, 'one', 5, () => 0.9)
  await cluster.stopApiServer()
  await cluster.startApiServer()
  const [, afterwards] = await change(namespace, 'other', 5, () => 0.9)
  await until('all is told', () => told.get('other')?.length === afterwards.length, 180_000)
  assert.deepEqual(told.get('one'), earlier)
  await agree(watch, namespace)
})

test('a lease is taken, renewed and given back as the API server wants it', async () => {
  const namespace = await cluster.createNamespace()
  const failures: unknown[] = []
  const compete = (identity: string) =>
    competeForLease({
      connection: direct,
      namespace,
      name: 'tollgate',
      identity,
      timing: { durationMs: 60_000, renewDeadlineMs: 40_000, retryMs: 1000 },
      chance: () => 0,
      onLeading: () => undefined,
      onLost: () => failures.push('lost'),
      // Of an attempt that took too long the next one makes up; what the API server refuses, it always will.
      onFailure: (error) => void (error instanceof ApiError && failures.push(error)),
    })
  const one = compete('one')
  await until('the first leads', () => one.isLeading(), 180_000)
  const other = compete('other')
  let agoMs = 0
  await until('a renewal', () => {
    const earlierMs = agoMs
    agoMs = one.renewedAgoMs() ?? 0
    return agoMs < earlierMs
  })
  await one.stop()
  await until('the other leads', () => other.isLeading(), 180_000)
  await other.stop()
  assert.deepEqual(failures, [])
})

/** Creates, updates and removes one object, and says what it did, as a watch should tell it. */
async function change(
  namespace: string,
  name: string,
  times: number,
  chance: () => number,
): Promise<[string, readonly string[]]> {
  const client = createClient(direct, { fieldValidation: 'Strict' })
  const done: string[] = []
  let isThere = false
  for (let n = 0; n < times; n += 1) {
    const metadata = { name, namespace, labels: { test: 'watch' } }
    if (isThere && chance() < 0.2) {
      await client.remove(kinds.ConfigMap, { namespace, name })
      isThere = false
      done.push('removed')
    } else {
      await client.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { n: String(n) } })
      done.push(`${isThere ? 'changed' : 'added'} ${n}`)
      isThere = true
    }
  }
  return [name, done]
}

/** One fault after the other, each for a moment, with a moment of peace between them. */
async function fail(proxy: FaultProxy, chance: () => number, signal: AbortSignal): Promise<void> {
  const faults = [
    () => proxy.drop(),
    () => proxy.refuse(),
    () => proxy.truncate(Math.round(chance() * 20_000)),
    () => proxy.truncate(Math.round(chance() * 500)),
    () => proxy.cutAnswers(),
    () => proxy.delay(100),
  ]
  while (!signal.aborted) {
    await wait(chance() * 200, undefined, { signal }).catch(() => undefined)
    const which = Math.floor(chance() * faults.length)
    faults[which]?.()
    // Long enough for a silence to be noticed, which takes a second whatever its limit is.
    await wait(which === 0 ? 1500 : 50 + chance() * 300, undefined, { signal }).catch(() => undefined)
    proxy.heal()
  }
}

async function agree(watch: ListWatch, namespace: string): Promise<void> {
  const there = await createClient(direct).list(kinds.ConfigMap, { namespace, labelSelector: 'test=watch' })
  const versions = (objects: Iterable<(typeof there)[number]>): string[] =>
    [...objects].map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).toSorted()
  assert.deepEqual(versions(watch.cache.all()), versions(there))
}

/** Numbers in [0, 1) that are always the same: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function chanceFrom(seed: number): () => number {
  let state = seed + 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}
