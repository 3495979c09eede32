import { type BackoffRange, backoffMs } from './backoff.ts'
import type { Timer } from './timer.ts'

export interface QueueOptions {
  /** One pass over what the key names. Resolves to when it wants the next one, if it wants one. */
  readonly work: (key: string) => Promise<number | undefined>
  readonly workers: number
  readonly timer: Timer
  readonly chance: () => number
  readonly backoff?: BackoffRange
  /** Hears of every failure; says how long to wait at least, where the failure tells. */
  readonly onFailure: (key: string, error: unknown, failures: number) => number | undefined
}

export interface Queue {
  /** Something about the key has changed. A key that waits is there once; one that is worked on, once more after it. */
  add(key: string): void
  /** How many keys wait for a worker. */
  depth(): number
  /** For how long the first of them has waited. */
  oldestMs(): number
  /** Takes nothing more; resolves when what is being worked on is done. */
  stop(): Promise<void>
}

interface Entry {
  isRunning: boolean
  /** Until it has been worked on once. */
  isNew: boolean
  /** Added while it was worked on. */
  isDirty: boolean
  failures: number
  /** Not before this time, however often it is added: a pass that changes something and fails would spin. */
  notBefore: number
  /** When it becomes ready by itself. */
  dueAt: number
  callOff: (() => void) | undefined
}

const BACKOFF: BackoffRange = { minMs: 1000, maxMs: 300_000 }

/** One pass at a time for each key, a few keys at a time in all; a failure is tried again, ever later. */
export function createQueue(options: QueueOptions): Queue {
  const { work, workers, timer, chance, backoff = BACKOFF, onFailure } = options
  const entries = new Map<string, Entry>()
  /** Since when each key has waited for a worker, the first first. */
  const ready = new Map<string, number>()
  let running = 0
  let isStopped = false
  let onIdle: (() => void) | undefined

  function makeReady(key: string, entry: Entry): void {
    callOff(entry)
    if (!ready.has(key)) ready.set(key, timer.now())
    startSome()
  }

  function schedule(key: string, entry: Entry, delayMs: number): void {
    const at = timer.now() + delayMs
    if (isStopped || at >= entry.dueAt) return
    callOff(entry)
    entry.dueAt = at
    entry.callOff = timer.after(delayMs, () => makeReady(key, entry))
  }

  function startSome(): void {
    for (const key of ready.keys()) {
      if (running >= workers || isStopped) return
      const entry = entries.get(key)
      ready.delete(key)
      if (entry) void run(key, entry)
    }
  }

  async function run(key: string, entry: Entry): Promise<void> {
    running += 1
    Object.assign(entry, { isRunning: true, isDirty: false })
    let nextMs: number | undefined
    try {
      const wantedMs = await work(key)
      // Those that all began together would come back together for ever.
      nextMs = entry.isNew ? wantedMs && wantedMs * chance() : wantedMs
      Object.assign(entry, { isNew: false, failures: 0, notBefore: 0 })
    } catch (error) {
      const delayMs = backoffMs(entry.failures, backoff, chance())
      entry.failures += 1
      const askedMs = onFailure(key, error, entry.failures) ?? 0
      nextMs = Math.max(delayMs, askedMs)
      entry.notBefore = timer.now() + Math.max(backoff.minMs, askedMs)
    }
    running -= 1
    entry.isRunning = false
    if (nextMs !== undefined) schedule(key, entry, nextMs)
    if (entry.isDirty) add(key)
    if (!ready.has(key) && entry.callOff === undefined && !entry.isRunning) entries.delete(key)
    startSome()
    if (running === 0) onIdle?.()
  }

  function add(key: string): void {
    if (isStopped) return
    let entry = entries.get(key)
    if (entry === undefined) entries.set(key, (entry = newEntry()))
    const heldMs = entry.notBefore - timer.now()
    if (entry.isRunning) entry.isDirty = true
    else if (heldMs > 0) schedule(key, entry, heldMs)
    else makeReady(key, entry)
  }

  return {
    add,
    depth: () => ready.size,
    oldestMs() {
      const [since] = ready.values()
      return since === undefined ? 0 : timer.now() - since
    },
    async stop() {
      isStopped = true
      for (const entry of entries.values()) callOff(entry)
      ready.clear()
      if (running > 0) await new Promise<void>((resolve) => (onIdle = resolve))
    },
  }
}

function newEntry(): Entry {
  const unscheduled = { notBefore: 0, dueAt: Number.POSITIVE_INFINITY, callOff: undefined }
  return { isRunning: false, isNew: true, isDirty: false, failures: 0, ...unscheduled }
}

function callOff(entry: Entry): void {
  entry.callOff?.()
  Object.assign(entry, { dueAt: Number.POSITIVE_INFINITY, callOff: undefined })
}
