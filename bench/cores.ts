import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

const PIN = 'taskset'

/** Which cores a program may use, in the words of `taskset -c`; null where nothing is pinned. */
export type Cores = { readonly target: string | null; readonly load: string | null; readonly note: string }

/** The target has a core of its own; everything else of the bench shares the others. */
export function chooseCores(): Cores {
  const [first, ...others] = allowedCores()
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(2)}`
  if (first === undefined || others.length === 0) {
    return unpinned(
      `${machine}. **One core only**: target, upstream and load generator share it, so rates mean little.`,
    )
  }
  if (spawnSync(PIN, ['--version']).status !== 0) return unpinned(`${machine}. **No taskset**: nothing is pinned.`)
  const load = others.join(',')
  return { target: first, load, note: `${machine}. Target on core ${first}; upstream and load generator on ${load}.` }
}

/** Of all threads of this process; children get their own cores when they are started. */
export function pinThisProcess(cores: string | null): void {
  if (cores !== null) spawnSync(PIN, ['-a', '-c', '-p', cores, String(process.pid)])
}

function unpinned(note: string): Cores {
  return { target: null, load: null, note }
}

function allowedCores(): string[] {
  const list = /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, offset) => String(from + offset))
  })
}

/** The command that starts a program on these cores: it replaces itself, so the process id stays the program's. */
export function pinned(cores: string | null, command: string): readonly [string, ...string[]] {
  return cores === null ? [command] : [PIN, '-c', cores, command]
}
