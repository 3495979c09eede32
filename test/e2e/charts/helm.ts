import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { ensureHelm } from '../../cluster/tools.ts'

export interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly annotations?: Record<string, string>
  }
  readonly [field: string]: unknown
}

const ROOT = new URL('../../..', import.meta.url).pathname

export const repositoryPath = (path: string): string => join(ROOT, path)
export const chartPath = (chart: string): string => repositoryPath(join('charts', chart))
export const casePath = (name: string): string => repositoryPath(join('test/e2e/charts/cases', name))

/** What Helm printed; throws with what it complained of. */
export async function helm(...args: readonly string[]): Promise<string> {
  const run = promisify(execFile)
  // Nothing of whoever runs the tests: no repositories, no plug-ins, no cluster but the one that is named.
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', HELM_NAMESPACE: 'default' }
  try {
    return (await run(await ensureHelm(), [...args], { env, maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    throw new Error((error as { stderr: string }).stderr, { cause: error }) // safe: of a program that ended badly
  }
}

/** The objects of a chart as Helm makes them without a cluster, but for those of `helm test`. */
export async function render(chart: string, release: string, ...args: readonly string[]): Promise<readonly Rendered[]> {
  const flags = ['--kube-version=1.34.0', '--namespace=tollgate-system', '--skip-tests', ...args]
  const documents = parseAllDocuments(await helm('template', release, chartPath(chart), ...flags))
  return documents
    .flatMap((document) => (document.contents === null ? [] : [document.toJS() as Rendered])) // safe: of Kubernetes
    .toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1))
}

function identity({ kind, metadata }: Rendered): string {
  return `${kind} ${metadata.namespace} ${metadata.name}`
}
