import { setTimeout as wait } from 'node:timers/promises'
import { ApiError } from '../client/api-error.ts'
import { type Client, createClient, type Selection, type WatchEvent } from '../client/client.ts'
import type { Connection } from '../client/connection.ts'
import type { Kind } from '../client/kinds.ts'
import type { KubernetesObject } from '../client/kubernetes-object.ts'
import { type BackoffRange, backoffMs } from './backoff.ts'
import { type Cache, createCache, keyOf } from './cache.ts'

type RestartCause = 'ended' | 'gone' | 'throttled' | 'refused' | 'unreachable' | 'silent' | 'broken'

type ChangeType = 'added' | 'changed' | 'removed'

export interface ListWatchOptions {
  readonly connection: Connection
  readonly kind: Kind
  readonly selection: Selection
  /** The part of an object that is worth its memory. */
  readonly keep: (object: KubernetesObject) => KubernetesObject
  /** Hears of every change, once. It may only take notes: what it throws is told to `onError`. */
  readonly onChange: (object: KubernetesObject, change: ChangeType, former: KubernetesObject | undefined) => void
  readonly onRestart: (cause: RestartCause, error: unknown) => void
  /** A list found what the watch should have told. */
  readonly onMissed: (object: KubernetesObject) => void
  readonly onError: (error: unknown) => void
  readonly chance: () => number
  readonly timing?: Partial<Timing>
}

export interface ListWatch {
  readonly cache: Cache
  /** Whether everything that there was has been read once. */
  isSynced(): boolean
  /** For how long nothing has come, not even a bookmark. */
  silentMs(): number
  /** For how long it has neither asked nor heard anything, which is never long while it lives. */
  stuckMs(): number
  stop(): Promise<void>
}

interface Timing {
  readonly relistMs: number
  /** The server sends a bookmark every minute. */
  readonly silenceMs: number
  /** After a time between these the server ends a watch, so that watches spread over its replicas again. */
  readonly watchSeconds: readonly [min: number, max: number]
  readonly retry: BackoffRange
}

const TIMING: Timing = {
  relistMs: 600_000,
  silenceMs: 90_000,
  watchSeconds: [290, 350],
  retry: { minMs: 800, maxMs: 30_000 },
}

/**
 * Keeps a cache of one kind, and tells of its changes. Whatever happens to a list or a watch, it goes on until it is
 * stopped; the library's informer ends for good at a reset. A list every ten minutes finds what a watch has missed.
 */
export function startListWatch(options: ListWatchOptions): ListWatch {
  const stopping = new AbortController()
  const listWatch = new ListWatcher(options, stopping.signal)
  const running = listWatch.run()
  return {
    cache: listWatch.cache,
    isSynced: () => listWatch.isSynced,
    silentMs: () => performance.now() - listWatch.heardAt,
    stuckMs: () => performance.now() - listWatch.activeAt,
    async stop() {
      stopping.abort(new Error('The list-watch was stopped.'))
      await running
    },
  }
}

class ListWatcher {
  readonly cache = createCache()
  isSynced = false
  heardAt = performance.now()
  activeAt = performance.now()
  private readonly options: ListWatchOptions
  private readonly timing: Timing
  private readonly client: Client
  private readonly stopped: AbortSignal
  /** Where the watch is; undefined when only a list can tell. */
  private version: string | undefined
  private relistAt = 0
  private failures = 0

  constructor(options: ListWatchOptions, stopped: AbortSignal) {
    this.options = options
    this.timing = { ...TIMING, ...options.timing }
    this.client = createClient(options.connection, { signal: stopped })
    this.stopped = stopped
  }

  async run(): Promise<void> {
    while (!this.stopped.aborted) {
      try {
        await this.turn()
      } catch (error) {
        if (!this.stopped.aborted) await this.recover(error)
      }
    }
  }

  private async turn(): Promise<void> {
    this.activeAt = performance.now()
    if (this.version === undefined || performance.now() >= this.relistAt) await this.list()
    const heardAt = this.heardAt
    const end = await this.follow(this.version ?? '')
    // A watch that ends before anything came, again and again, would be asked for as fast as it ends.
    if (end === 'by the server' && heardAt === this.heardAt) throw new Ended('The watch ended before anything came.')
    if (end === 'by the server') this.tell(() => this.options.onRestart('ended', undefined))
  }

  private async list(): Promise<void> {
    const { kind, selection, keep } = this.options
    const former = this.version
    const listed = new Map<string, KubernetesObject>()
    let version = ''
    for await (const page of this.client.pages(kind, selection)) {
      this.activeAt = performance.now()
      for (const item of page.items) listed.set(keyOf(item), keep(item))
      version = page.resourceVersion
    }
    for (const object of listed.values()) {
      const isNew = this.put(object)
      if (isNew && former !== undefined && isUpTo(object, former)) this.tell(() => this.options.onMissed(object))
    }
    for (const object of this.cache.all()) if (!listed.has(keyOf(object))) this.remove(object)
    this.version = version
    this.relistAt = performance.now() + this.timing.relistMs * (0.9 + this.options.chance() / 5)
    this.isSynced = true
    this.heard()
  }

  private async follow(resourceVersion: string): Promise<'by the server' | 'for a list'> {
    const { kind, selection, chance } = this.options
    const [min, max] = this.timing.watchSeconds
    const relist = new AbortController()
    const timeout = setTimeout(() => relist.abort(), this.relistAt - performance.now())
    const signal = AbortSignal.any([this.stopped, relist.signal])
    const timeoutSeconds = Math.round(min + chance() * (max - min))
    const { silenceMs } = this.timing
    try {
      const events = this.client.watch(kind, selection, { resourceVersion, timeoutSeconds, silenceMs, signal })
      for await (const event of events) this.take(event)
      return 'by the server'
    } catch (error) {
      if (relist.signal.aborted) return 'for a list'
      throw error
    } finally {
      clearTimeout(timeout)
    }
  }

  private take({ type, object }: WatchEvent): void {
    if (type === 'DELETED') this.remove(object)
    else if (type !== 'BOOKMARK') this.put(this.options.keep(object))
    this.version = object.metadata.resourceVersion ?? this.version
    this.failures = 0
    this.heard()
  }

  private put(object: KubernetesObject): boolean {
    const former = this.cache.put(object)
    if (former === object) return false
    this.tell(() => this.options.onChange(object, former ? 'changed' : 'added', former))
    return true
  }

  private remove(object: KubernetesObject): void {
    const former = this.cache.remove(object)
    this.tell(() => this.options.onChange(object, 'removed', former))
  }

  private heard(): void {
    this.heardAt = this.activeAt = performance.now()
  }

  /** A listener that throws is no reason to lose what comes next. */
  private tell(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.options.onError(error)
    }
  }

  private async recover(error: unknown): Promise<void> {
    const cause = causeOf(error)
    if (cause === 'gone' || cause === 'broken') this.version = undefined
    this.tell(() => this.options.onRestart(cause, error))
    const delayMs = backoffMs(this.failures, this.timing.retry, this.options.chance())
    this.failures += 1
    const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    const extraMs = askedMs * this.options.chance() * 0.2 // not all at the same moment
    await wait(Math.max(delayMs, askedMs + extraMs), undefined, { signal: this.stopped }).catch(() => undefined)
  }
}

class Ended extends Error {
  override readonly name = 'Ended'
}

function causeOf(error: unknown): RestartCause {
  if (error instanceof Ended) return 'ended'
  if (!(error instanceof ApiError)) return 'broken' // what came was no event
  if (error.isGone) return 'gone'
  if (error.status === 429) return 'throttled'
  if (error.status > 0) return 'refused'
  return error.reason === 'Timeout' ? 'silent' : 'unreachable'
}

/** Whether the object was at its version by then. Versions are numbers that only grow; others tell nothing. */
function isUpTo({ metadata: { resourceVersion = '' } }: KubernetesObject, version: string): boolean {
  return /^\d+$/.test(resourceVersion) && /^\d+$/.test(version) && BigInt(resourceVersion) <= BigInt(version)
}
