import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { createGateway } from './create-gateway.ts'
import { failuresOf, ledgerOf } from './ledger.ts'
import { startLoad } from './load.ts'
import type { Stage } from './stage.ts'

/** Each has one call under way. */
const CLIENTS = 8
/** More than LEDGER_COMMIT_INTERVAL_MS and a commit: what is not in the database by then goes with the pod's disk. */
const COMMIT_MS = 1000

export function losing(stageOf: () => Stage): void {
  test('a pod that is deleted by force takes with it its calls in flight and what it wrote down last, and no more', async () => {
    const stage = stageOf()
    stage.upstream.behave({ delayMs: 100, betweenMs: 20 })
    const gateway = await createGateway(stage, { replicas: 2 })
    const load = startLoad({ url: gateway.url, apiKey: await gateway.createKey('load'), clients: CLIENTS })
    let deletedAt = 0
    try {
      await load.more(100)
      const pods = await gateway.get('pods -l app.kubernetes.io/component=proxy', '{.items[*].metadata.name}')
      deletedAt = Date.now()
      await gateway.kubectl('delete', 'pod', pods.split(' ')[0] ?? '', '--force', '--grace-period=0')
      await load.more(100)
      await gateway.ready()
      await load.more(50)
    } finally {
      await load.stop()
    }
    const failures = failuresOf(load.calls)
    assert.ok(failures.length <= CLIENTS, `those in flight fail, and nobody's next: ${failures.join('\n')}`)

    const whole = load.calls.filter(({ error }) => error === undefined)
    const rows = await until('what is not in the ledger is what waited for a commit', async () => {
      const found = (await ledgerOf(gateway.databaseUrl, 'load')).map(({ request_id }) => request_id)
      const ends = whole.filter(({ requestId }) => !found.includes(requestId)).map(({ endedAt }) => endedAt)
      const isOfOneCommit = Math.max(...ends) - Math.min(...ends) <= COMMIT_MS
      return (ends.length === 0 || (isOfOneCommit && Math.min(...ends) > deletedAt - COMMIT_MS)) && found
    })
    assert.equal(new Set(rows).size, rows.length, 'no call is there twice')
    const known = new Set(load.calls.map(({ requestId }) => requestId))
    assert.deepEqual(
      rows.filter((id) => !known.has(id)),
      [],
    )
  })
}
