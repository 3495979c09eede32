import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { createGateway } from './create-gateway.ts'
import { assertExact, failuresOf } from './ledger.ts'
import { startLoad } from './load.ts'
import type { Stage } from './stage.ts'

/** So that calls are under way at any moment. */
const PACE = { delayMs: 100, betweenMs: 20 }

export function scaling(stageOf: () => Stage): void {
  test('from one pod to three and back, no call fails and every call is written down once', async () => {
    const stage = stageOf()
    stage.upstream.behave(PACE)
    const gateway = await createGateway(stage)
    const load = startLoad({ url: gateway.url, apiKey: await gateway.createKey('load') })
    try {
      await load.more(50)
      for (const replicas of ['3', '1']) {
        await gateway.kubectl('scale', 'akstore/gateway', `--replicas=${replicas}`)
        await gateway.kubectl(
          'wait',
          `--for=jsonpath={.status.replicas}=${replicas}`,
          'akstore/gateway',
          '--timeout=180s',
        )
        await gateway.ready()
        await load.more(50)
      }
      const pods = () => gateway.get('pods -l app.kubernetes.io/component=proxy', '{.items[*].metadata.name}')
      await until('those that are not wanted have gone', async () => !(await pods()).includes(' '), 180_000)
    } finally {
      await load.stop()
    }
    assert.deepEqual(failuresOf(load.calls), [])
    await assertExact(gateway.databaseUrl, 'load', load.calls)
  })
}
