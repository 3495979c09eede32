import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { conditionTypes } from '../operator/api/reasons.ts'
import { createOperatorMetrics } from '../operator/loop/metrics.ts'
import { prometheusRule } from '../operator/resources/monitors.ts'
import { createMetrics } from '../proxy/telemetry/metrics.ts'
import type { Gauges } from '../proxy/telemetry/gauges.ts'

const ROOT = new URL('..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly summary: string }
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly Alert[] }[]
}

const ofChart = parse(read('charts/tollgate/alerts.yaml')) as Rules // safe: promtool checks it
const ofStore = rulesOf(1)
const alerts = [...ofChart.groups, ...ofStore.groups].flatMap(({ rules }) => rules)
const dashboards = globSync('charts/tollgate/dashboards/*.json', { cwd: ROOT })

function rulesOf(replicas: number): Rules {
  const spec = { image: 'tollgate', replicas, database: { engine: 'sqlite' as const } }
  return prometheusRule({ name: 'gateway', namespace: 'default', uid: '1', generation: 1, spec })['spec'] as Rules // safe: of its parts' making
}

/** The names of series that proxies and operators have. */
function series(): ReadonlySet<string> {
  // safe: no value is asked for here, so no gauge is looked at
  const gauges = {} as Gauges
  const none = { isLeading: () => false, queueDepth: () => 0, queueOldestMs: () => 0, watches: () => [] }
  const registries = [createMetrics(gauges).registry, createOperatorMetrics('0', none).registry]
  // What histograms have is typed as text there.
  const all = registries.flatMap(
    (registry) => registry.getMetricsAsArray() as readonly { name: string; type: unknown }[],
  )
  const ofPrometheus = 'up'
  return new Set([
    ofPrometheus,
    ...all.flatMap(({ name, type }) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  ])
}

const known = series()

function unknownIn(text: string): string[] {
  const names = [...text.matchAll(/\b(?:tollgate_\w+|up\b)/g)].map(([name]) => name)
  assert.ok(names.length > 0, text)
  return names.filter((name) => !known.has(name))
}

test('every alert asks for metrics that there are', () => {
  assert.ok(alerts.length > 5)
  for (const { alert, expr } of alerts) assert.deepEqual(unknownIn(expr), [], alert)
})

test('every query of a dashboard asks for metrics that there are', () => {
  assert.equal(dashboards.length, 2)
  for (const path of dashboards) {
    const queries = [...read(path).matchAll(/"expr": "(.*)"/g)].map(([, query = '']) => query)
    assert.ok(queries.length > 10, path)
    for (const query of queries) assert.deepEqual(unknownIn(query), [], path)
  }
})

test('every condition that is asked for is one that stores have', () => {
  const texts = [...alerts.map(({ expr }) => expr), ...dashboards.map(read)]
  const types = texts.flatMap((text) =>
    [...text.matchAll(/[{,]type=~?\\?"([\w|]+)/g)].flatMap(([, names = '']) => names.split('|')),
  )
  assert.ok(types.length > 5)
  assert.deepEqual(
    types.filter((type) => !(type in conditionTypes)),
    [],
  )
})

test('a metric that there is not would be seen', () => {
  assert.deepEqual(unknownIn('rate(tollgate_calls_total[5m]) + tollgate_operator_leaders'), [
    'tollgate_operator_leaders',
  ])
})

test('nobody is called for a store that is to have no pods', () => {
  const names = (rules: Rules): string[] => rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert))
  assert.deepEqual(names(ofStore), ['TollgateDown', 'TollgateSpoolGrowing'])
  assert.deepEqual(names(rulesOf(0)), ['TollgateSpoolGrowing'])
})

test('every alert has a page that says what to do', () => {
  for (const { alert, annotations } of alerts) {
    const page = read(`docs/runbooks/${alert}.md`)
    assert.ok(page.startsWith(`# ${alert}\n`), alert)
    for (const heading of ['## What it means', '## What to do']) assert.ok(page.includes(`\n${heading}\n`), alert)
    assert.match(annotations.summary, /\.$/, alert)
  }
})
