import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { createGateway } from './create-gateway.ts'
import { loadNextVersion } from './derived-image.ts'
import type { StageGateway } from './gateway-on-stage.ts'
import type { Stage } from './stage.ts'

const VERSION = '0.9.0'
const OPERATORS = 'pods -n tollgate-system -l app.kubernetes.io/name=tollgate-operator'

export function upgradingOperator(stageOf: () => Stage): void {
  test('a newer operator leaves the pods of a store as they are', async (t) => {
    const stage = stageOf()
    await loadNextVersion(stage, VERSION, 'SELECT 1')
    const gateway = await createGateway(stage, { replicas: 2 })
    const before = await stateOf(gateway)
    const charts = await mkdtemp(join(tmpdir(), 'tg-chart-'))
    t.after(() => rm(charts, { recursive: true }))
    await stage.shell(
      `helm package charts/tollgate --version "$VERSION" --app-version "$VERSION" --destination "$CHARTS"
      helm upgrade tollgate "$CHARTS/tollgate-$VERSION.tgz" --namespace tollgate-system --wait`,
      { VERSION, CHARTS: charts },
    )
    const image = `tollgate:${VERSION}`
    const images = (): Promise<string> => gateway.get(OPERATORS, '{.items[*].spec.containers[0].image}')
    await until('both operators were replaced', async () => (await images()) === `${image} ${image}`, 180_000)

    // Once it has looked after the store a second time, it was done with it a first time.
    for (const child of ['serviceaccount/gateway', 'serviceaccount/gateway']) {
      await gateway.kubectl('delete', child)
      await gateway.kubectl('wait', '--for=create', child, '--timeout=180s')
    }
    assert.deepEqual(await stateOf(gateway), before)
  })
}

/** What a restart or a roll-out would change, and since when the store has been ready. */
async function stateOf(gateway: StageGateway): Promise<readonly string[]> {
  const pods = 'pods -l app.kubernetes.io/component=proxy'
  return Promise.all([
    gateway.get('deployment gateway', '{.metadata.generation} {.spec.template}'),
    gateway.get(pods, '{.items[*].metadata.uid} {.items[*].status.containerStatuses[*].restartCount}'),
    gateway.get('akstore gateway', '{.status.conditions[?(@.type=="Ready")]}'),
  ])
}
