import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { startProcesses } from '../../cluster/processes.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/gateway.ts'
import { discoverEndpoints } from './discover-endpoints.ts'
import { ROOT, type Stage } from './stage.ts'

export interface Prometheus {
  /** What its API answers at a path. Throws with what it complains of. */
  ask<Data>(path: string, parameters?: Readonly<Record<string, string>>): Promise<Data>
  /** The values of an instant query, by their labels. */
  query(expression: string): Promise<readonly Sample[]>
  /** The same as numbers, by one of the labels. */
  numbers(label: string, expression: string): Promise<Readonly<Record<string, number>>>
  close(): Promise<void>
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [at: number, value: string]
}

/** Beside the cluster, with the job of docs/metrics.md and rules. */
export async function startPrometheus(stage: Stage, rules: readonly object[]): Promise<Prometheus> {
  const processes = await startProcesses()
  const write = (name: string, content: object): Promise<void> =>
    writeFile(join(processes.folder, name), JSON.stringify(content))
  for (const [index, each] of rules.entries()) await write(`rules-${index}.json`, each)
  await write('endpoints.json', await discoverEndpoints(stage))
  // Debian's Prometheus comes without the discovery of Kubernetes: what it would find is in a file.
  const { kubernetes_sd_configs: _, ...job } = documentedJob()
  await write('prometheus.json', {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules-*.json'],
    scrape_configs: [{ ...job, file_sd_configs: [{ files: ['endpoints.json'] }] }],
  })
  const address = `127.0.0.1:${await freePort()}`
  const flags = ['--config.file=prometheus.json', '--storage.tsdb.path=data', `--web.listen-address=${address}`]
  processes.start('prometheus', 'prometheus', ...flags)
  await until(
    'Prometheus is ready',
    async () => {
      await processes.assertRunning('prometheus')
      return (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok
    },
    120_000,
  )

  const prometheus: Prometheus = {
    async ask<Data>(path: string, parameters: Readonly<Record<string, string>> = {}) {
      const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
      const { data, error } = (await response.json()) as { data: Data; error?: string } // safe: its API's form
      if (error !== undefined) throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`)
      return data
    },
    query: async (query) => (await prometheus.ask<{ result: readonly Sample[] }>('query', { query })).result,
    async numbers(label, expression) {
      const samples = await prometheus.query(expression)
      return Object.fromEntries(samples.map(({ metric, value }) => [metric[label], Number(value[1])]))
    },
    close: () => processes.close(),
  }
  return prometheus
}

interface Job {
  readonly kubernetes_sd_configs: unknown
  readonly [field: string]: unknown
}

function documentedJob(): Job {
  const [, section = ''] = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8').split('\n## On Kubernetes\n')
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(section) ?? []
  return (parse(text) as { scrape_configs: [Job] }).scrape_configs[0] // safe: Prometheus reads it
}
