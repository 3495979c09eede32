import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { prometheusRule } from '../../../operator/resources/monitors.ts'
import { until } from '../../support/gateway.ts'
import { untilEqual } from '../../support/until-equal.ts'
import { postgresSpec, storeOf } from '../../support/stores.ts'
import { createGateway, type PostgresGateway } from './create-gateway.ts'
import { TOKENS } from './ledger.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { ROOT, type Stage } from './stage.ts'

const PATIENCE_MS = 120_000
/** Of which nothing is to be seen while nothing goes wrong. */
const OF_TROUBLE: ReadonlySet<string> = new Set([
  'Refusals and errors of the gateway',
  'Failed attempts by channel and status',
  'What came after failed attempts',
  'Calls whose usage was estimated',
  'Conditions that are not as they should be',
  'Children that somebody else had changed',
  'Watches begun again',
])

const operator = { namespace: 'tollgate-system', job: 'tollgate-operator' }

export function measuring(stageOf: () => Stage): void {
  test('Prometheus, set up as the documents say, knows the tokens of each key, and fills the dashboards', async (t) => {
    const stage = stageOf()
    stage.upstream.behave({})
    const gateway = await createGateway(stage, { replicas: 2 })
    const { namespace, name } = gateway
    const proxies = { namespace, job: `${name}-metrics` }
    const ofStore = prometheusRule({ ...storeOf(postgresSpec, name), namespace })['spec']
    const rules = [parse(read('charts/tollgate/alerts.yaml')), ofStore] as readonly object[] // safe: Prometheus reads them
    const prometheus = await startPrometheus(stage, rules)
    t.after(() => prometheus.close())

    const query = panels('gateway').find(({ title }) => title === 'Keys with the most tokens')?.queries[0] ?? ''
    const [, counters = ''] = /rate\((.*)\[/.exec(filled(query, proxies)) ?? []
    const pods = await callEachPod(gateway, { alice: 3, bob: 5 })
    const expected = { alice: 3 * pods * TOKENS, bob: 5 * pods * TOKENS }
    await assertShown('calls by key', () => prometheus.numbers('key', `sum by (key) (${counters})`), expected)
    const ofPods = async () => Object.values(await prometheus.numbers('pod', `sum by (pod) (${counters})`))
    await assertShown('calls by pod', ofPods, [8 * TOKENS, 8 * TOKENS])

    const isReady = `tollgate_operator_store_condition{namespace="${namespace}",type="Ready",status="True"}`
    await assertShown('the store', () => prometheus.numbers('name', `max by (name) (${isReady})`), { [name]: 1 })
    for (const [dashboard, chosen] of Object.entries({ gateway: proxies, operator })) {
      await assertFilled(prometheus, dashboard, chosen)
    }
    await assertQuiet(prometheus, [namespace, operator.namespace])
  })
}

/** Prometheus hears of everything a moment later, and for a moment of nothing where a scrape took too long. */
function assertShown<Value>(what: string, look: () => Promise<Value>, expected: Value): Promise<void> {
  return untilEqual(`${what} is shown`, look, expected, PATIENCE_MS)
}

/** So many calls of each key to each of the pods; answers how many pods there are. */
async function callEachPod(gateway: PostgresGateway, calls: Readonly<Record<string, number>>): Promise<number> {
  const ips = (await gateway.get('pods -l app.kubernetes.io/component=proxy', '{.items[*].status.podIP}')).split(' ')
  const body = JSON.stringify({ model: 'claude-fake', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] })
  for (const [keyName, count] of Object.entries(calls)) {
    const headers = { 'x-api-key': await gateway.createKey(keyName), 'content-type': 'application/json' }
    for (const ip of ips) {
      for (let call = 0; call < count; call += 1) {
        const { status } = await fetch(`http://${ip}:8080/v1/messages`, { method: 'POST', headers, body })
        assert.equal(status, 200)
      }
    }
  }
  return ips.length
}

interface Panel {
  readonly title: string
  readonly queries: readonly string[]
}

function panels(dashboard: string): readonly Panel[] {
  const { panels: found } = JSON.parse(read(`charts/tollgate/dashboards/${dashboard}.json`)) as {
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
  } // safe: Grafana's form
  return found.map(({ title, targets = [] }) => ({ title, queries: targets.map(({ expr }) => expr) }))
}

/** As Grafana fills in what is chosen. */
function filled(query: string, chosen: Readonly<Record<string, string>>): string {
  return query.replaceAll(/\$(\w+)/g, (_, name: string) => chosen[name] ?? '1m')
}

/** Every panel shows something, but for those of trouble, whose metrics are known at least. */
async function assertFilled(
  prometheus: Prometheus,
  dashboard: string,
  chosen: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { title, queries } of panels(dashboard)) {
    for (const query of queries.map((each) => filled(each, chosen))) {
      const names = [...query.matchAll(/\btollgate_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''))
      const unknown = async (): Promise<readonly string[]> => {
        const known = Object.keys(await prometheus.ask<object>('metadata'))
        return names.filter((name) => !known.includes(name))
      }
      await assertShown(title, unknown, [])
      if (OF_TROUBLE.has(title)) await prometheus.query(query)
      else await until(`${title} shows something`, async () => (await prometheus.query(query)).length > 0, PATIENCE_MS)
    }
  }
}

/** Every alert can be evaluated, and none is about to be raised for these namespaces. */
async function assertQuiet(prometheus: Prometheus, namespaces: readonly string[]): Promise<void> {
  interface Rule {
    readonly name: string
    readonly health: string
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[]
  }
  const raised = async (): Promise<readonly string[]> => {
    const { groups } = await prometheus.ask<{ groups: { rules: Rule[] }[] }>('rules')
    const all = groups.flatMap(({ rules }) => rules)
    assert.ok(all.length > 10)
    const isOfThese = ({ labels }: Rule['alerts'][number]): boolean => namespaces.includes(labels['namespace'] ?? '')
    return all.filter(({ health, alerts }) => health !== 'ok' || alerts.some(isOfThese)).map(({ name }) => name)
  }
  await assertShown('no alert', raised, [])
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
