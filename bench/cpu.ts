import { readFileSync, writeFileSync } from 'node:fs'

/** USER_HZ, which Linux has fixed at 100 for programs on every architecture that Node runs on. */
const TICK_MS = 10

/** User and system time of a process with all its threads. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command's name is in parentheses and may hold spaces; utime and stime are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
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
