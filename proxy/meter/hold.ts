import type { ContentFilter } from '../domain/channel.ts'
import type { Protocol } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Headers, Sink } from '../domain/sink.ts'
import type { Usage } from '../domain/usage.ts'
import { endFromUsage } from './body-usage.ts'
import { errorTypeOf } from './error-type.ts'
import { parseObject, usageIn } from './json.ts'
import { isOutput } from './output.ts'
import { saidIn } from './said.ts'
import { dataOf, EventJoiner, eventsOf } from './sse.ts'
import { usageOf } from './usage-of.ts'

/** More than any refusal or preamble; what is longer passes as it comes. */
const MAX_HELD_BYTES = 1024 * 1024

/** What an upstream answered in place of an answer, before anything of it was passed on. */
export interface Failed {
  readonly kind: 'failed'
  /** Of the answer; undefined where none came. */
  readonly status: number | undefined
  /** What the upstream said of its account's limits. */
  readonly limits: Headers
  /** The body of a refusal, or the data of the event that told of an error. */
  readonly text: string
  /** The type of an error event in a stream. */
  readonly errorType: string | undefined
  /** How the exchange broke off. */
  readonly error: GatewayError | undefined
  /** What the upstream told of the usage before it failed. */
  readonly usage: Usage | undefined
}

/** `serves`: the answer has begun, and is on its way. */
export type Verdict = { readonly kind: 'serves' } | Failed

/**
 * Stands before a meter until it is known whether this answer is the caller's. A stream is held until its first real
 * output, a refusal to its end: so another channel can answer in its place. With a filter every answer is held to its
 * end, as far as there is room for it.
 */
export class Hold implements Sink {
  readonly verdict: Promise<Verdict>
  private readonly next: Sink
  private readonly protocol: Protocol
  private readonly filter: ContentFilter | null
  /** What a stream has said so far; kept for the filter alone. */
  private said = ''
  private readonly judge: (verdict: Verdict) => void
  private isOpen = false
  private isDiscarded = false
  private isJudged = false
  private status: number | undefined
  private headers: Headers = {}
  private limits: Headers = {}
  private readonly chunks: Buffer[] = []
  private bytes = 0
  private joiner: EventJoiner | undefined
  private errorType: string | undefined
  private usage: Usage | undefined
  private ending: { readonly error: GatewayError | undefined } | undefined

  constructor(next: Sink, protocol: Protocol, filter: ContentFilter | null = null) {
    this.next = next
    this.protocol = protocol
    this.filter = filter
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    this.verdict = promise
    this.judge = resolve
  }

  head(status: number, headers: Headers, limits: Headers = {}): void {
    const type = String(headers['content-type'] ?? '')
    // Neither is the API. A redirect must not pass at all: an SDK would follow it, and take its Tollgate key along.
    if (type.startsWith('text/html') || (status >= 300 && status < 400)) {
      throw new GatewayError('upstream_invalid', { detail: `status ${status}, content-type ${type}`, isUnbilled: true })
    }
    this.status = status
    this.headers = headers
    this.limits = limits
    const isStream = status < 300 && type.startsWith('text/event-stream')
    if (isStream && this.protocol !== 'opaque') this.joiner = new EventJoiner()
    else if (status < 400 && this.filter === null) this.serve()
  }

  data(chunk: Buffer): boolean {
    if (this.isOpen) return this.next.data(chunk)
    if (this.isJudged || this.isDiscarded) return true // behind its error a stream has nothing to say
    this.chunks.push(chunk)
    this.bytes += chunk.length
    const events = this.joiner?.push(chunk)
    if (events) for (const event of eventsOf(events)) this.read(event)
    if (!this.isJudged && this.bytes > MAX_HELD_BYTES) return this.serve()
    return true
  }

  end(): void {
    if (this.isOpen) this.next.end()
    else this.endWith(undefined)
  }

  fail(error: GatewayError): void {
    if (this.isOpen) this.next.fail(error)
    else this.endWith(error)
  }

  /** There is no better answer than this failed one: it passes as it came. */
  release(): void {
    this.open()
    if (this.ending?.error) this.next.fail(this.ending.error)
    else if (this.ending) this.next.end()
  }

  /** Another answer takes its place: whatever still comes is nobody's. */
  discard(): void {
    this.isDiscarded = true
    this.chunks.length = 0
  }

  private read(event: Buffer): void {
    if (this.isOpen || this.isJudged) return
    const data = dataOf(event)
    const json = data === undefined ? undefined : parseObject(data)
    if (json === undefined) return
    this.usage = usageOf(usageIn(json), this.protocol, this.usage) ?? this.usage
    this.errorType = errorTypeOf(json)
    if (this.filter) this.said += saidIn(json, this.protocol)
    if (this.errorType !== undefined) this.failed(undefined, data)
    else if (this.filter === null && isOutput(json, this.protocol)) this.serve()
  }

  private endWith(error: GatewayError | undefined): void {
    this.ending = { error }
    if (this.isJudged) return
    const passes = error === undefined && this.status !== undefined && this.status < 300 && this.filter
    if (!passes) return this.failed(error)
    const status = this.refusedAs(passes)
    if (status === undefined) {
      this.serve()
      this.next.end()
    } else {
      // Refused or not, the upstream has done its work.
      this.usage ??= usageOf(endFromUsage(Buffer.concat(this.chunks), true)?.['usage'], this.protocol)
      this.failed(error, '', status)
    }
  }

  /** The status that the filter has for this answer; undefined where it lets it pass. */
  private refusedAs({ rules }: ContentFilter): number | undefined {
    const said = (this.joiner ? this.said : Buffer.concat(this.chunks).toString('utf8')).toLowerCase()
    return rules.find(({ keyword }) => said.includes(keyword.toLowerCase()))?.status
  }

  private failed(
    error: GatewayError | undefined,
    text = Buffer.concat(this.chunks).toString('utf8'),
    status = this.status,
  ): void {
    this.isJudged = true
    const { limits, errorType, usage } = this
    this.judge({ kind: 'failed', status, limits, text, errorType, error, usage })
  }

  private serve(): boolean {
    this.isJudged = true
    this.judge({ kind: 'serves' })
    return this.open()
  }

  private open(): boolean {
    this.isOpen = true
    if (this.status === undefined) return true
    this.next.head(this.status, this.headers)
    const [first] = this.chunks
    if (first === undefined) return true
    return this.next.data(this.chunks.length > 1 ? Buffer.concat(this.chunks) : first)
  }
}
