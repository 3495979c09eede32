import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createClient } from '../../../operator/client/client.ts'
import { openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { competeForLease, type Lease, type LeaseTiming } from '../../../operator/loop/lease.ts'
import { startFakeApiServer } from '../../support/fake-api-server.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { until } from '../../support/until.ts'

/** About the real proportions, thirty times as fast: of who is to lose the lease by itself. */
const hasty: LeaseTiming = { durationMs: 1000, renewDeadlineMs: 600, retryMs: 150 }
/** Of who is to lead for as long as the test lasts, on a machine that stands still for a second, too. */
const patient: LeaseTiming = { durationMs: 60_000, renewDeadlineMs: 40_000, retryMs: 150 }

interface Competitor {
  readonly lease: Lease
  readonly events: string[]
  readonly cut: () => void
  readonly heal: () => void
  readonly close: () => Promise<void>
}

async function scene(t: TestContext) {
  const server = await startFakeApiServer()
  const competitors: Competitor[] = []
  t.after(async () => {
    for (const { close } of competitors) await close()
    await server.close()
  })
  const spec = (): Readonly<Record<string, unknown>> =>
    (server.objects()[0]?.['spec'] ?? {}) as Readonly<Record<string, unknown>> // safe: the only object is a Lease
  /** Each reaches the server by a way of its own, which can be cut. */
  async function compete(identity: string, timing: LeaseTiming): Promise<Competitor> {
    const proxy = await startFaultProxy({ port: Number(new URL(server.url).port) })
    const readIdentity = () => Promise.resolve({ server: `http://127.0.0.1:${proxy.port}`, headers: {}, tls: {} })
    const connection = openConnection({ readIdentity })
    const events: string[] = []
    const lease = competeForLease({
      connection,
      namespace: 'a',
      name: 'l',
      identity,
      timing,
      chance: () => 0,
      onLeading: () => events.push('leading'),
      onLost: () => events.push('lost'),
      onFailure: () => undefined,
    })
    const competitor = {
      lease,
      events,
      cut: () => proxy.drop(),
      heal: () => proxy.heal(),
      async close() {
        proxy.heal()
        await lease.stop()
        await connection.close()
        await proxy.close()
      },
    }
    competitors.push(competitor)
    return competitor
  }
  return { server, spec, compete }
}

test('one of two leads, and when it stops the other need not wait for the end of the lease', async (t) => {
  const { spec, compete } = await scene(t)
  const one = await compete('one', { ...patient, retryMs: 1000 }) // which is also its time to give the lease back
  await until('the first leads', () => one.lease.isLeading())
  assert.match(String(spec()['renewTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.deepEqual(
    [spec()['holderIdentity'], spec()['leaseDurationSeconds'], spec()['leaseTransitions']],
    ['one', 60, 0],
  )
  const other = await compete('other', patient)
  const renewedAt = spec()['renewTime']
  await until('a renewal', () => spec()['renewTime'] !== renewedAt)
  assert.equal(other.lease.isLeading(), false)
  await one.lease.stop()
  assert.equal(spec()['holderIdentity'], '')
  await until('the other leads', () => other.lease.isLeading())
  assert.equal(spec()['leaseTransitions'], 1)
  assert.deepEqual([...one.events, ...other.events], ['leading', 'leading'])
})

test('a leader that cannot renew gives up before another one leads, and never takes it back', async (t) => {
  const { spec, compete } = await scene(t)
  const one = await compete('one', hasty)
  await until('the first leads', () => one.events.includes('leading'))
  const other = await compete('other', patient)
  one.cut()
  let wasTogether = false
  await until('the other leads', () => {
    wasTogether ||= one.lease.isLeading() && other.lease.isLeading()
    return other.lease.isLeading()
  })
  assert.equal(wasTogether, false)
  assert.deepEqual(one.events, ['leading', 'lost'])
  one.heal()
  const renewedAt = spec()['renewTime']
  await until('a renewal', () => spec()['renewTime'] !== renewedAt)
  assert.equal(spec()['holderIdentity'], 'other')
  assert.equal(one.lease.isLeading(), false)
})

test('a process that stood still leads no more at the moment it goes on, before any timer of it went off', async (t) => {
  const { compete, server } = await scene(t)
  const one = await compete('one', hasty)
  await until('the first leads', () => one.events.includes('leading'))
  const connection = openConnection({
    readIdentity: () => Promise.resolve({ server: server.url, headers: {}, tls: {} }),
  })
  t.after(() => connection.close())
  const client = createClient(connection, {
    guard() {
      if (!one.lease.isLeading()) throw new Error('no leader')
    },
  })
  await client.get(kinds.Service, { namespace: 'a', name: 's' })
  for (const end = performance.now() + hasty.renewDeadlineMs; performance.now() < end;); // stands still
  assert.equal(one.lease.isLeading(), false)
  await assert.rejects(
    client.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'a' } }),
    /no leader/,
  )
  await until('it is told', () => one.events.includes('lost'))
})

test('a lease that somebody else has taken is lost at once', async (t) => {
  const { server, compete } = await scene(t)
  const one = await compete('one', patient)
  await until('the first leads', () => one.lease.isLeading())
  server.put({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'l', namespace: 'a' },
    spec: { holderIdentity: 'thief', leaseDurationSeconds: 60 },
  })
  await until('it is told', () => one.events.includes('lost'))
  assert.equal(one.lease.renewedAgoMs() !== undefined, true)
  assert.equal(one.lease.isLeading(), false)
})
