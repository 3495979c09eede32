import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { createGateway, type PostgresGateway } from './create-gateway.ts'
import { assertEntries, failuresOf, ledgerOf } from './ledger.ts'
import { startLoad } from './load.ts'
import { processOf } from './process-of.ts'
import type { Stage } from './stage.ts'

/** Each has one call under way. */
const CLIENTS = 8
/**
 * More than LEDGER_COMMIT_INTERVAL_MS and a commit, on a machine that is busy with everything else: what is not in the
 * database by then goes with the pod's disk.
 */
const COMMIT_MS = 3000
const WRITTEN_MS = 120_000

export function losing(stageOf: () => Stage): void {
  describe('under load', () => losingOne(stageOf))
}

function losingOne(stageOf: () => Stage): void {
  let gateway: PostgresGateway
  before(async () => {
    stageOf().upstream.behave({ delayMs: 100, betweenMs: 20 })
    gateway = await createGateway(stageOf(), { replicas: 2 })
  })
  const firstPod = async (): Promise<string> =>
    (await gateway.get('pods -l app.kubernetes.io/component=proxy', '{.items[*].metadata.name}')).split(' ')[0] ?? ''

  test('a proxy that is killed starts again in its pod, and writes down every call that it had answered', async () => {
    const load = startLoad({ url: gateway.url, apiKey: await gateway.createKey('killed'), clients: CLIENTS })
    try {
      await load.more(100)
      const pod = await firstPod()
      process.kill(processOf(pod), 'SIGKILL')
      const restarts = '{.status.containerStatuses[0].restartCount}'
      await gateway.kubectl('wait', `--for=jsonpath=${restarts}=1`, `pod/${pod}`, '--timeout=180s')
      await gateway.kubectl('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=180s')
      await gateway.ready()
      await load.more(50)
    } finally {
      await load.stop()
    }
    const whole = load.calls.filter(({ error }) => error === undefined)
    const failed = new Set(load.calls.filter(({ error }) => error !== undefined).map(({ requestId }) => requestId))
    const find = async () => {
      const found = await ledgerOf(gateway.databaseUrl, 'killed')
      return found.filter(({ request_id }) => !failed.has(request_id)).length >= whole.length && found
    }
    const rows = await until('every call that was answered is in the ledger', find, WRITTEN_MS)
    assertEntries(
      rows.filter(({ request_id }) => !failed.has(request_id)),
      whole,
    )
    assert.equal(new Set(rows.map(({ request_id }) => request_id)).size, rows.length, 'no call is there twice')
  })

  test('a pod that is deleted by force takes with it its calls in flight and what it wrote down last, and no more', async () => {
    const load = startLoad({ url: gateway.url, apiKey: await gateway.createKey('deleted'), clients: CLIENTS })
    let deletedAt = 0
    try {
      await load.more(200) // for longer than a commit takes
      const pod = await firstPod()
      deletedAt = Date.now()
      await gateway.kubectl('delete', 'pod', pod, '--force', '--grace-period=0')
      await load.more(100)
      await gateway.ready()
      await load.more(50)
    } finally {
      await load.stop()
    }
    const failures = failuresOf(load.calls)
    assert.ok(failures.length <= CLIENTS, `those in flight fail, and nobody's next: ${failures.join('\n')}`)

    const whole = load.calls.filter(({ error }) => error === undefined)
    const find = async () => {
      const found = (await ledgerOf(gateway.databaseUrl, 'deleted')).map(({ request_id }) => request_id)
      const ends = whole.filter(({ requestId }) => !found.includes(requestId)).map(({ endedAt }) => endedAt)
      const isOfOneCommit = Math.max(...ends) - Math.min(...ends) <= COMMIT_MS
      return (ends.length === 0 || (isOfOneCommit && Math.min(...ends) > deletedAt - COMMIT_MS)) && found
    }
    const rows = await until('what is not in the ledger is what waited for a commit', find, WRITTEN_MS)
    assert.equal(new Set(rows).size, rows.length, 'no call is there twice')
    const known = new Set(load.calls.map(({ requestId }) => requestId))
    assert.deepEqual(
      rows.filter((id) => !known.has(id)),
      [],
    )
  })
}
