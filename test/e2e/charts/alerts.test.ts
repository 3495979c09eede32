import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { prometheusRule } from '../../../operator/resources/monitors.ts'
import { chartPath } from './helm.ts'

const RULES = join(chartPath('tollgate'), 'alerts.yaml')

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tg-alerts-'))
})
after(() => rm(folder, { recursive: true }))

/** Throws with what promtool complained of. */
async function promtool(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('promtool', [...args]).catch((error: Error & { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}${error.stderr}` || error.message, { cause: error })
  })
}

/** JSON is YAML, too. */
async function written(name: string, content: object): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(content))
  return path
}

const operator = (metric: string, labels = ''): string =>
  `tollgate_operator_${metric}{namespace="tollgate-system",job="tollgate-operator"${labels}}`
const condition = (type: string, status: string): string =>
  `tollgate_operator_store_condition{namespace="team",name="gateway",type="${type}",status="${status}"}`
const proxy = (metric: string, pod = 'a'): string => `${metric}{namespace="team",job="gateway-metrics",pod="${pod}"}`

/** Series by minute, as promtool writes them, for half an hour: with which an alert is raised, and with which it is not. */
const behaviour: Readonly<Record<string, readonly [raised: Record<string, string>, quiet: Record<string, string>]>> = {
  TollgateOperatorDown: [
    { [operator('build_info')]: '1 stale' },
    { [operator('build_info')]: '1x15 _x3 1x15' }, // a restart
  ],
  TollgateOperatorNoLeader: [
    { [operator('leader', ',pod="a"')]: '0x30', [operator('leader', ',pod="b"')]: '0x30' },
    { [operator('leader', ',pod="a"')]: '1x15 0x15', [operator('leader', ',pod="b"')]: '0x16 1x14' }, // a hand-over
  ],
  TollgateOperatorManyLeaders: [
    { [operator('leader', ',pod="a"')]: '1x30', [operator('leader', ',pod="b"')]: '1x30' },
    { [operator('leader', ',pod="a"')]: '1x15 0x15', [operator('leader', ',pod="b"')]: '0x14 1x16' }, // scraped before
  ],
  TollgateOperatorWatchSilent: [
    { [operator('watch_last_event_age_seconds', ',kind="Job"')]: '0+60x30' },
    { [operator('watch_last_event_age_seconds', ',kind="Job"')]: '60x30' },
  ],
  TollgateOperatorQueueStuck: [
    { [operator('workqueue_oldest_seconds')]: '0+60x30' },
    { [operator('workqueue_oldest_seconds')]: '0 240 0 240 0 240x25' },
  ],
  TollgateOperatorFailing: [
    {
      [operator('reconcile_total', ',kind="ApiKeyStore",result="error"')]: '0+6x60',
      [operator('reconcile_total', ',kind="ApiKeyStore",result="success"')]: '0+2x60',
    },
    {
      [operator('reconcile_total', ',kind="ApiKeyStore",result="error"')]: '0+2x60',
      [operator('reconcile_total', ',kind="ApiKeyStore",result="success"')]: '0+6x60',
    },
  ],
  TollgateStoreUnavailable: [
    { [condition('Available', 'False')]: '1x30' },
    { [condition('Available', 'False')]: '1x30', [condition('Ready', 'True')]: '1x30' }, // scaled to zero
  ],
  TollgateStoreDatabaseUnreachable: [
    { [condition('DatabaseReachable', 'False')]: '1x30' },
    { [condition('DatabaseReachable', 'False')]: '0x10 1x3 0x17' },
  ],
  TollgateStoreStalled: [{ [condition('Stalled', 'True')]: '1x30' }, { [condition('Stalled', 'True')]: '0x30' }],
  TollgateStoreSchemaBehind: [
    { [condition('SchemaUpToDate', 'False')]: '1x30' },
    { [condition('SchemaUpToDate', 'False')]: '0x10 1x10 0x10' }, // a migration of ten minutes
  ],
  TollgateStoreNotReady: [
    { [condition('Ready', 'True')]: '0x30' },
    { [condition('Ready', 'True')]: '1x10 0x10 1x10' }, // a roll-out of ten minutes
  ],
  TollgateDown: [
    { [proxy('up')]: '0x30', 'up{namespace="team",job="another-metrics"}': '1x30' },
    { [proxy('up', 'a')]: '0x30', [proxy('up', 'b')]: '1x30' },
  ],
  TollgateSpoolGrowing: [
    { [proxy('tollgate_spool_oldest_seconds', 'a')]: '0+60x30', [proxy('tollgate_spool_oldest_seconds', 'b')]: '0x30' },
    { [proxy('tollgate_spool_oldest_seconds')]: '0 240 0 600 0 240x25' },
  ],
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[]
}

test('each alert is raised when it should be, says of whom, and is not raised when nothing is wrong', async () => {
  const spec = { image: 'tollgate', replicas: 1, database: { engine: 'postgres' as const } }
  const store = { name: 'gateway', namespace: 'team', uid: '1', generation: 1, spec }
  // safe: promtool checks them
  const rules = [parse(await readFile(RULES, 'utf8')), prometheusRule(store)['spec']] as readonly Rules[]
  const alerts = rules.flatMap(({ groups }) => groups).flatMap((group) => group.rules.map(({ alert }) => alert))
  assert.deepEqual(Object.keys(behaviour), alerts)
  const cases = Object.entries(behaviour).flatMap(([alert, [raised, quiet]]) => [
    { alert, series: raised, count: 1 },
    { alert, series: quiet, count: 0 },
  ])
  const tests = cases.map(({ alert, series, count }) => ({
    name: `${alert} ${count}`,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing",namespace=~".+"}) or vector(0)`,
        eval_time: '30m',
        exp_samples: [{ labels: '{}', value: count }],
      },
    ],
  }))
  const files = await Promise.all(rules.map((each, index) => written(`rules-${index}.json`, each)))
  await promtool('test', 'rules', await written('tests.json', { rule_files: files, evaluation_interval: '1m', tests }))
})

for (const name of ['gateway', 'operator']) {
  test(`Prometheus understands every query of the dashboard ${name}`, async () => {
    const text = await readFile(join(chartPath('tollgate'), `dashboards/${name}.json`), 'utf8')
    const queries = [...text.matchAll(/"expr": (".*")/g)].map(([, query = '""']) => JSON.parse(query) as string) // safe: a JSON string
    assert.ok(queries.length > 10)
    const rules = queries.map((query, index) => ({
      record: `query:${index}`,
      expr: query.replaceAll('$__rate_interval', '5m'),
    }))
    await promtool('check', 'rules', await written(`${name}.json`, { groups: [{ name, rules }] }))
  })
}
