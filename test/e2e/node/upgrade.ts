import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Client } from 'pg'
import { until } from '../../support/gateway.ts'
import { createGateway, type PostgresGateway } from './create-gateway.ts'
import { loadNextVersion, MIGRATION_LOCK } from './derived-image.ts'
import { rowsOf } from './gateway-on-stage.ts'
import { assertExact, failuresOf } from './ledger.ts'
import { type StageCall, type StageLoad, startLoad } from './load.ts'
import { processOf } from './process-of.ts'
import type { Stage } from './stage.ts'

const PODS = 'pods -l app.kubernetes.io/component=proxy'
const MIGRATION = ['-l', 'app.kubernetes.io/component=migration']
const IMAGES = '{.items[*].spec.containers[*].image}'

export function upgrading(stageOf: () => Stage): void {
  test('a version with a migration is rolled out without a failed call, when its one Job is done', async (t) => {
    const stage = stageOf()
    stage.upstream.behave({ delayMs: 100, betweenMs: 20 })
    const image = await loadNextVersion(stage, '0.2.0', 'CREATE TABLE tollgate.more (id int)')
    const gateway = await createGateway(stage, { replicas: 2 })
    const release = await holdUp(t, gateway)
    const apiKey = await gateway.createKey('load')
    const calls: StageCall[] = []
    const underLoad = async (url: string, work: (load: StageLoad) => Promise<void>): Promise<void> => {
      const load = startLoad({ url, apiKey })
      try {
        await work(load)
      } finally {
        calls.push(...(await load.stop()))
      }
    }
    await underLoad(gateway.url, async (load) => {
      await load.more(50)
      await gateway.patch({ image })
      await waitingMigration(gateway)
      await load.more(50)
      await scaleOperator(stage, 0) // so that nobody rolls out what is migrated
      await release()
      await gateway.kubectl('wait', '--for=condition=Complete', 'job', ...MIGRATION, '--timeout=180s')
      assert.deepEqual(await rowsOf(gateway.databaseUrl, 'SELECT FROM tollgate.more'), [])
      await load.more(50)
      assert.equal(await gateway.get(PODS, IMAGES), 'tollgate:0.1.0 tollgate:0.1.0', 'the old ones serve')
    })
    // One of the old ones that is restarted between the migration and the roll-out serves again.
    const [name = ''] = (await gateway.get(PODS, '{.items[*].metadata.name}')).split(' ')
    process.kill(processOf(name), 'SIGKILL')
    const restarts = '{.status.containerStatuses[0].restartCount}'
    await gateway.kubectl('wait', `--for=jsonpath=${restarts}=1`, `pod/${name}`, '--timeout=180s')
    await gateway.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=180s')
    await underLoad(`http://${await gateway.get(`pod ${name}`, '{.status.podIP}')}:8080`, (load) => load.more(10))

    await underLoad(gateway.url, async (load) => {
      await scaleOperator(stage, 2)
      await gateway.kubectl('wait', '--for=jsonpath={.status.version}=0.2.0', 'akstore/gateway', '--timeout=180s')
      await gateway.ready()
      await load.more(50)
    })
    assert.deepEqual(failuresOf(calls), [])
    await assertExact(gateway.databaseUrl, 'load', calls)
    assert.equal(await attempts(gateway), '2', 'one for each version')
  })

  test('a migration that fails leaves the old pods serving, is told, and is healed by another image', async () => {
    const stage = stageOf()
    const image = await loadNextVersion(stage, '0.3.0', 'SELECT * FROM tollgate.is_not_there')
    const healed = await loadNextVersion(stage, '0.3.1', 'CREATE TABLE tollgate.more (id int)')
    const gateway = await createGateway(stage, { migration: { backoffLimit: 0 } })
    await gateway.patch({ image })
    const condition = '{.status.conditions[?(@.type=="SchemaUpToDate")].reason}'
    await gateway.kubectl('wait', `--for=jsonpath=${condition}=MigrationFailed`, 'akstore/gateway', '--timeout=180s')
    await gateway.kubectl('wait', '--for=condition=SchemaUpToDate=False', 'akstore/gateway', '--timeout=180s')
    const message = await gateway.get('akstore gateway', condition.replace('.reason', '.message'))
    assert.match(message, /is_not_there/)
    assert.equal(await gateway.get(PODS, IMAGES), 'tollgate:0.1.0')
    const load = startLoad({ url: gateway.url, apiKey: await gateway.createKey('load') })
    try {
      await load.more(10)
      await gateway.patch({ image: healed })
      await gateway.kubectl('wait', '--for=jsonpath={.status.version}=0.3.1', 'akstore/gateway', '--timeout=180s')
      await gateway.ready()
    } finally {
      await load.stop()
    }
    assert.deepEqual(failuresOf(load.calls), [])
  })
}

async function scaleOperator({ node }: Stage, replicas: number): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> => node.kubectl('-n', 'tollgate-system', ...args)
  await kubectl('scale', 'deployment/tollgate-operator', `--replicas=${replicas}`)
  if (replicas > 0) return
  await kubectl('wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=operator', '--timeout=180s')
}

/** Has migrations wait until what it answers is called. */
async function holdUp(t: TestContext, { databaseUrl }: PostgresGateway): Promise<() => Promise<void>> {
  const client = new Client(databaseUrl)
  let isHeld = true
  await client.connect()
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
  const release = async (): Promise<void> => {
    if (!isHeld) return
    isHeld = false
    await client.end()
  }
  t.after(release)
  return release
}

async function waitingMigration(gateway: PostgresGateway): Promise<void> {
  await gateway.kubectl(
    'wait',
    '--for=jsonpath={.status.conditions[?(@.type=="SchemaUpToDate")].reason}=Migrating',
    'akstore/gateway',
    '--timeout=180s',
  )
  const waits = 'SELECT FROM pg_locks WHERE locktype = $1 AND objid = $2 AND NOT granted'
  await until(
    'the migration waits',
    async () => (await rowsOf(gateway.databaseUrl, waits, ['advisory', MIGRATION_LOCK])).length > 0,
    180_000,
  )
}

function attempts(gateway: PostgresGateway): Promise<string> {
  return gateway.get('akstore gateway', '{.status.schema.lastMigration.attempts}')
}
