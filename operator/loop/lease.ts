import { ApiError } from '../client/api-error.ts'
import { type Client, createClient } from '../client/client.ts'
import type { Connection } from '../client/connection.ts'
import { kinds } from '../client/kinds.ts'
import type { KubernetesObject } from '../client/kubernetes-object.ts'

export interface LeaseOptions {
  readonly connection: Connection
  readonly namespace: string
  readonly name: string
  /** No two processes have the same, not even one after the other in the same pod. */
  readonly identity: string
  /** Called once, when the lease is ours. */
  readonly onLeading: () => void
  /** Called once, when it is no longer ours or may no longer be: nothing may be written after it. */
  readonly onLost: () => void
  readonly onFailure: (error: unknown) => void
  readonly chance: () => number
  readonly timing?: LeaseTiming
}

/**
 * Twice the usual 15/10/2: a busy event loop and a slow API server delay renewals by seconds, and several attempts have to
 * fit into the deadline. A leader that was killed is missed for half a minute, in which gateways serve on.
 */
export interface LeaseTiming {
  /** For how long the others leave a lease alone that is not renewed. */
  readonly durationMs: number
  /** After how long without a renewal its holder gives up by itself, well before the others take it. */
  readonly renewDeadlineMs: number
  readonly retryMs: number
}

export interface Lease {
  isLeading(): boolean
  /** Since the last renewal that is known to have arrived; undefined while somebody else leads. */
  renewedAgoMs(): number | undefined
  /** Gives it back, so that another one need not wait for its end. Nothing may be under way that writes. */
  stop(): Promise<void>
}

const TIMING: LeaseTiming = { durationMs: 30_000, renewDeadlineMs: 20_000, retryMs: 5000 }

const ATTEMPT_MS = 10_000

interface Record {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly leaseTransitions?: number
  readonly acquireTime?: string
  readonly renewTime?: string
}

/**
 * Competes for a Lease of coordination.k8s.io/v1. How long another one's record has not changed is measured here, on
 * a clock that only goes forward: clocks of two machines are never compared.
 */
export function competeForLease(options: LeaseOptions): Lease {
  const competitor = new Competitor(options)
  competitor.start()
  return {
    isLeading: () => competitor.isLeading(),
    renewedAgoMs: () => (competitor.renewedAt === undefined ? undefined : performance.now() - competitor.renewedAt),
    stop: () => competitor.stop(),
  }
}

class Competitor {
  /** When the request was sent that renewed it last, since nobody can have counted from an earlier time. */
  renewedAt: number | undefined
  private readonly options: LeaseOptions
  private readonly timing: LeaseTiming
  private readonly stopping = new AbortController()
  private seen: { readonly version: string; readonly at: number } | undefined
  private next: NodeJS.Timeout | undefined
  private deadline: NodeJS.Timeout | undefined
  private attempt: Promise<void> = Promise.resolve()
  private hasEnded = false

  constructor(options: LeaseOptions) {
    this.options = options
    this.timing = options.timing ?? TIMING
  }

  /** By the clock and not by a timer: a process that was stopped for a while runs on before its timers go off. */
  isLeading(): boolean {
    if (this.hasEnded || this.renewedAt === undefined) return false
    return performance.now() - this.renewedAt < this.timing.renewDeadlineMs
  }

  start(): void {
    this.attempt = this.tryOnce()
  }

  async stop(): Promise<void> {
    clearTimeout(this.next)
    const mayRelease = this.isLeading()
    this.hasEnded = true
    clearTimeout(this.deadline)
    await this.attempt
    if (mayRelease) await this.release().catch((error: unknown) => this.options.onFailure(error))
    this.stopping.abort(new Error('The lease was given back.'))
  }

  private async tryOnce(): Promise<void> {
    try {
      await this.take()
    } catch (error) {
      // A conflict is somebody else who was quicker: the next look tells who.
      if (!this.hasEnded && !(error instanceof ApiError && (error.isConflict || error.isAlreadyExists))) {
        this.options.onFailure(error)
      }
    }
    if (this.hasEnded) return
    const delayMs = this.timing.retryMs * (0.8 + this.options.chance() * 0.2)
    this.next = setTimeout(() => this.start(), delayMs)
  }

  /** With a time-out of its own for each attempt, so that several fit into the deadline. */
  private client(): Client {
    const signal = AbortSignal.any([
      this.stopping.signal,
      AbortSignal.timeout(Math.min(ATTEMPT_MS, this.timing.retryMs)),
    ])
    return createClient(this.options.connection, { signal })
  }

  private async take(): Promise<void> {
    const client = this.client()
    const found = await client.get(kinds.Lease, this.options)
    if (this.hasEnded) return
    const record = recordOf(found)
    const isMine = record.holderIdentity === this.options.identity
    if (this.renewedAt !== undefined && found && !isMine) return this.lose()
    if (found && !isMine && !this.isFree(found, record)) return
    const sentAt = performance.now()
    await this.write(client, found, this.options.identity, this.timing.durationMs)
    if (!this.hasEnded) this.renewed(sentAt)
  }

  private isFree(found: KubernetesObject, { holderIdentity, leaseDurationSeconds = 0 }: Record): boolean {
    const version = found.metadata.resourceVersion ?? ''
    if (this.seen?.version !== version) this.seen = { version, at: performance.now() }
    return !holderIdentity || performance.now() - this.seen.at >= leaseDurationSeconds * 1000
  }

  private renewed(sentAt: number): void {
    const isFirst = this.renewedAt === undefined
    this.renewedAt = sentAt
    clearTimeout(this.deadline)
    this.deadline = setTimeout(() => this.lose(), sentAt + this.timing.renewDeadlineMs - performance.now())
    if (isFirst) this.options.onLeading()
  }

  private lose(): void {
    if (this.hasEnded) return
    this.hasEnded = true
    clearTimeout(this.next)
    clearTimeout(this.deadline)
    this.stopping.abort(new Error('The lease was lost.'))
    this.options.onLost()
  }

  private async write(
    client: Client,
    found: KubernetesObject | undefined,
    holder: string,
    durationMs: number,
  ): Promise<void> {
    const { namespace, name, identity } = this.options
    const former = recordOf(found)
    const now = microTime(new Date())
    const isTaken = holder === identity && former.holderIdentity !== identity
    const spec: Record = {
      ...former,
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
      renewTime: now,
      ...(isTaken && { acquireTime: now, leaseTransitions: (former.leaseTransitions ?? 0) + (found ? 1 : 0) }),
    }
    const { apiVersion, kind } = kinds.Lease
    if (found) await client.update({ ...found, spec })
    else await client.create({ apiVersion, kind, metadata: { namespace, name }, spec })
  }

  private async release(): Promise<void> {
    const client = this.client()
    const found = await client.get(kinds.Lease, this.options)
    if (recordOf(found).holderIdentity === this.options.identity) await this.write(client, found, '', 1000)
  }
}

function recordOf(lease: KubernetesObject | undefined): Record {
  return lease?.['spec'] ?? {}
}

/** A MicroTime has six digits behind the point: the API server refuses the three of a Date. */
function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z')
}
