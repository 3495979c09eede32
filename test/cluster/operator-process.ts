import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The operator as a process of its own, as a pod would run it. */
export interface OperatorProcess {
  readonly pid: number
  /** What it tells Prometheus now. */
  readonly readings: () => Promise<Readings>
  /** Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>
}

export interface Readings {
  /** The sum over all series of the metric that have these words in their labels. */
  sum(metric: string, ...words: readonly string[]): number
  /** Since the start: neither of the lease nor by watches. */
  calls(): Calls
}

/** How many of each kind, as `GET secrets`. */
export type Calls = Readonly<Record<string, number>>

const METRIC = /^tollgate_operator_(?<name>\w+?)(?:\{(?<labels>.*)\})? (?<value>\S+)$/
const REQUEST = /verb="(?<verb>[A-Z]+)",resource="(?<resource>[a-z]*)"/

/** `program` is the file that Node runs. */
export async function startOperatorProcess(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<OperatorProcess> {
  const variables = { PATH: process.env['PATH'], PORT: '0', ...env }
  const child = spawn(process.execPath, [program], { env: variables, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const port = await new Promise<number>((resolve, reject) => {
    let log = ''
    child.stdout.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000)
      const found = /"port":(?<port>\d+),/.exec(log)?.groups?.['port']
      if (found !== undefined) resolve(Number(found))
    })
    child.once('exit', () => reject(new Error(`the operator has ended: ${log}`)))
  })
  return {
    pid: child.pid ?? 0,
    async readings() {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
      return readingsOf(await answer.text())
    },
    async end(signal) {
      child.kill(signal)
      await ended
    },
  }
}

function readingsOf(text: string): Readings {
  const series = text.split('\n').flatMap((line) => {
    const { name = '', labels = '', value } = METRIC.exec(line)?.groups ?? {}
    return value === undefined ? [] : [{ name, labels, value: Number(value) }]
  })
  return {
    sum: (metric, ...words) =>
      series
        .filter(({ name, labels }) => name === metric && words.every((word) => labels.includes(word)))
        .reduce((sum, { value }) => sum + value, 0),
    calls() {
      const calls: Record<string, number> = {}
      for (const { name, labels, value } of series) {
        const { verb, resource } = (name === 'api_requests_total' && REQUEST.exec(labels)?.groups) || {}
        if (verb === undefined || verb === 'WATCH' || resource === 'leases') continue
        const what = `${verb} ${resource || 'of the API'}`
        calls[what] = (calls[what] ?? 0) + value
      }
      return calls
    },
  }
}

/** What was called meanwhile, most often first. */
export function callsBetween(before: Readings, after: Readings): Calls {
  const earlier = before.calls()
  const more = Object.entries(after.calls()).map(([what, count]) => [what, count - (earlier[what] ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0).toSorted(([, one], [, other]) => other - one))
}
