import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** USER_HZ, which Linux has fixed at 100 for programs on every architecture that Node runs on. */
const TICK_MS = 10

/** User and system time of a process with all its threads. */
export function cpuMs(pid: number): number {
  return statOf(pid).ownMs
}

/** Of a process and its children, those included that have ended. NaN without a process. */
export function familyCpuMs(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN
  const { ownMs, endedChildrenMs } = statOf(pid)
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const children = others.map((name) => statIfThere(Number(name))).filter((stat) => stat?.parent === pid)
  return children.reduce((sum, child) => sum + (child?.ownMs ?? 0), ownMs + endedChildrenMs)
}

type Stat = { readonly parent: number; readonly ownMs: number; readonly endedChildrenMs: number }

function statOf(pid: number): Stat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command's name is in parentheses and may hold spaces; these are fields 2 and 12 to 15 after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [parent = 0, utime = 0, stime = 0, childrenUtime = 0, childrenStime = 0] = [1, 11, 12, 13, 14].map((at) =>
    Number(fields[at]),
  )
  return { parent, ownMs: (utime + stime) * TICK_MS, endedChildrenMs: (childrenUtime + childrenStime) * TICK_MS }
}

/** Processes of the whole machine come and go while they are looked at. */
function statIfThere(pid: number): Stat | null {
  try {
    return statOf(pid)
  } catch {
    return null
  }
}

export function rssMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS')
}

/** The highest RSS since the last `forgetRssPeak`: sampling would miss what lies between two samples. */
export function rssPeakMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM')
}

/** Where the kernel does not allow it, the peak stays that of the process's whole life: too high, never too low. */
export function forgetRssPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    return
  }
}

function statusMiB(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  return Number(kilobytes) / 1024
}
