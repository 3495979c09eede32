import type { Call } from '../domain/call.ts'
import { NOTHING_TOLD, type Outcome } from '../domain/entry.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Headers, Sink } from '../domain/sink.ts'
import { NO_USAGE, type Usage } from '../domain/usage.ts'
import { BodyScan } from './body-scan.ts'
import type { Finding, Scan } from './scan.ts'
import { StreamScan } from './stream-scan.ts'

export interface MeterParts {
  readonly call: Call
  readonly client: Sink
  readonly admittedAt: number
  readonly now: () => number
  /** What the call was expected to use. */
  readonly estimate: { readonly inputTokens: number; readonly outputTokens: number }
  /** Called exactly once, whatever happens; the end of the answer waits for it, and `last` is what is held back of it. */
  readonly close: (outcome: Outcome, last: Buffer | undefined) => Promise<void>
}

/** About what a provider writes around and for one token of a stream; only for streams that were cut. */
const STREAM_BYTES_PER_TOKEN = 64
/** While the call is being closed, next to nothing can come: the terminal event is behind us. */
const MAX_LATE_CHUNKS = 16
const CLIENT_CLOSED_REQUEST = 499

/** Stands between upstream and client: passes the answer on, and reports how the call ended. */
export class Meter implements Sink {
  private readonly parts: MeterParts
  private scan: Scan | undefined
  private status = 0
  private firstByteAt: number | undefined
  private bytes = 0
  private hasPassed = false
  private isClientGone = false
  private closing: Promise<void> | undefined
  private finding: Finding | undefined
  /** What came while the call was being closed. */
  private readonly late: Buffer[] = []

  constructor(parts: MeterParts) {
    this.parts = parts
  }

  head(status: number, headers: Headers): void {
    const { call, client } = this.parts
    const type = String(headers['content-type'] ?? '')
    this.status = status
    const isStream = status < 300 && type.startsWith('text/event-stream')
    this.scan = isStream
      ? new StreamScan(call.endpoint.protocol, call.hidesUsage)
      : new BodyScan(call.endpoint.protocol)
    client.head(status, headers)
  }

  data(chunk: Buffer): boolean {
    this.firstByteAt ??= this.parts.now()
    this.bytes += chunk.length
    if (this.closing) {
      this.late.push(chunk)
      if (this.late.length > MAX_LATE_CHUNKS)
        throw new GatewayError('upstream_broken', { detail: 'goes on after its end' })
      return true
    }
    const passes = this.scan?.push(chunk)
    this.hasPassed ||= passes !== undefined
    const wantsMore = passes === undefined || this.parts.client.data(passes)
    if (this.scan?.hasEnded) {
      void this.close().then(() => {
        const rest = this.takeRest()
        if (rest) this.parts.client.data(rest)
      })
    }
    return wantsMore
  }

  end(): void {
    void this.close().then(() => {
      const { client } = this.parts
      if (this.finding?.isWhole === false)
        this.breakOff(new GatewayError('upstream_broken', { detail: 'no last event' }))
      else client.end(this.takeRest())
    })
  }

  fail(error: GatewayError): void {
    // Behind its terminal event a stream is complete, however its connection ends.
    const isComplete = this.closing !== undefined && this.finding?.isWhole === true
    void this.close(error).then(() => {
      if (isComplete) this.parts.client.end(this.takeRest())
      else this.breakOff(error)
    })
  }

  /** From now on nobody reads; the answer is still measured to its end. */
  clientGone(): void {
    this.isClientGone = true
  }

  private close(failure?: GatewayError): Promise<void> {
    if (this.closing) return this.closing
    this.finding = this.scan?.find(failure !== undefined)
    this.closing = this.parts.close(this.outcome(failure), this.scan?.rest())
    return this.closing
  }

  private breakOff(error: GatewayError): void {
    const rest = this.takeRest()
    if (rest) this.parts.client.data(rest)
    this.parts.client.fail(error)
  }

  /** What was held back and came late; empty the second time. */
  private takeRest(): Buffer | undefined {
    const held = this.scan?.rest()
    const rest = held ? [held, ...this.late.splice(0)] : this.late.splice(0)
    this.scan = undefined
    return rest.length > 1 ? Buffer.concat(rest) : rest[0]
  }

  private outcome(failure: GatewayError | undefined): Outcome {
    const { now, admittedAt } = this.parts
    const error = failure?.code ?? this.finding?.error ?? (this.finding?.isWhole === false ? 'upstream_broken' : null)
    return {
      status: this.isClientGone ? 'client_gone' : error === null ? 'completed' : 'failed',
      httpStatus: this.isClientGone ? CLIENT_CLOSED_REQUEST : this.answeredStatus(failure),
      error,
      ...this.measured(failure),
      told: this.finding?.told ?? NOTHING_TOLD,
      firstByteMs: this.firstByteAt === undefined ? null : Math.max(0, this.firstByteAt - admittedAt),
      durationMs: Math.max(0, now() - admittedAt),
    }
  }

  /** What the client sees: while nothing has been passed on, a failure still is an answer of its own. */
  private answeredStatus(failure: GatewayError | undefined): number {
    return failure && !this.hasPassed ? failure.status : this.status
  }

  private measured(failure: GatewayError | undefined): Pick<Outcome, 'metering' | 'usage'> {
    const usage = this.finding?.usage
    if (usage && this.finding?.isFinal) return { metering: 'exact', usage }
    if (this.status >= 400 || failure?.particulars.isUnbilled === true) return { metering: 'exact', usage: NO_USAGE }
    if (this.parts.call.endpoint.protocol === 'opaque') return { metering: 'unmetered', usage: NO_USAGE }
    return { metering: 'estimated', usage: this.estimated(usage) }
  }

  /** The upstream did not say: what it did say, and for the rest what was expected or has come, whichever is more. */
  private estimated(known: Usage | undefined): Usage {
    const { call, estimate } = this.parts
    const streamed = call.stream ? Math.ceil(this.bytes / STREAM_BYTES_PER_TOKEN) : estimate.outputTokens
    return {
      ...NO_USAGE,
      ...(known ?? { inputTokens: estimate.inputTokens }),
      outputTokens: Math.max(known?.outputTokens ?? 0, streamed),
    }
  }
}
