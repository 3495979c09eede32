import type { ServerResponse } from 'node:http'
import type { Endpoint } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Flow, Headers, Sink } from '../domain/sink.ts'
import { errorEvent } from './error-body.ts'
import { type ReportError, sendError } from './send-error.ts'

interface Settings {
  readonly endpoint: Endpoint
  readonly requestId: string
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, string>>
  /** A client that takes nothing for so long is given up. */
  readonly stallTimeoutMs: number
  readonly reportError: ReportError
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const MAX_REFUSAL_BYTES = 64 * 1024

/** The client's end of a call: writes the answer as it comes, holds the upstream back when the client is slow. */
export class ClientAnswer implements Sink {
  private readonly res: ServerResponse
  private readonly settings: Settings
  private flow: Flow | undefined
  private goneListener: (() => void) | undefined
  private isGone = false
  private pending: { readonly status: number; readonly headers: Headers } | undefined
  private isStream = false
  /** An upstream's refusal that came after a heartbeat had fixed the status at 200: it becomes an event. */
  private refusal: { readonly status: number; readonly chunks: Buffer[]; bytes: number } | undefined
  private stallTimer: NodeJS.Timeout | undefined
  private lastWriteAt = performance.now()

  constructor(res: ServerResponse, settings: Settings) {
    this.res = res
    this.settings = settings
    res.on('close', () => {
      clearTimeout(this.stallTimer)
      if (res.writableFinished) return
      this.isGone = true
      this.goneListener?.()
    })
  }

  /** What to resume when the client has caught up. */
  follow(flow: Flow): void {
    this.flow = flow
  }

  /** Called once, when the client has hung up before the answer was complete; at once if it already has. */
  onGone(listener: () => void): void {
    this.goneListener = listener
    if (this.isGone) listener()
  }

  get isClosed(): boolean {
    return this.isGone || this.res.writableEnded
  }

  head(status: number, headers: Headers): void {
    const isStream = String(headers['content-type'] ?? '').startsWith('text/event-stream')
    if (!this.res.headersSent) {
      this.isStream = isStream
      this.pending = { status, headers }
    } else if (!isStream || status >= 300) this.refusal = { status, chunks: [], bytes: 0 }
  }

  data(chunk: Buffer): boolean {
    if (this.isClosed) return true
    if (this.refusal) {
      if (this.refusal.bytes < MAX_REFUSAL_BYTES) this.refusal.chunks.push(chunk)
      this.refusal.bytes += chunk.length
      return true
    }
    this.writeHead()
    this.lastWriteAt = performance.now()
    if (this.res.write(chunk)) return true
    this.waitForDrain()
    return false
  }

  end(last?: Buffer): void {
    if (this.isClosed) return
    if (this.refusal) {
      if (last) this.data(last)
      const detail = Buffer.concat(this.refusal.chunks).toString('utf8')
      const message = `The upstream refused the call with status ${this.refusal.status}: ${detail}`
      this.fail(new GatewayError('upstream_broken', { message }))
      return
    }
    this.writeHead(last?.length ?? 0)
    if (last) this.res.end(last)
    else this.res.end()
    // A client may stop reading at the very end, too; behind another answer on its connection it is that one's affair.
    if (this.res.socket && this.res.writableLength > 0) this.limitStall()
  }

  fail(error: GatewayError): void {
    const { endpoint, requestId, headers, reportError } = this.settings
    reportError(error, requestId)
    if (this.isClosed) return
    if (!this.res.headersSent) sendError(this.res, error, { dialect: endpoint.dialect, requestId, headers })
    else if (this.isStream) this.res.end(errorEvent(error, endpoint.dialect, endpoint.protocol, requestId))
    else this.res.destroy() // a body that breaks off is the only way to say that it is not whole
  }

  /** Keeps a silent stream alive. Only whole events are written, so a comment may stand between any two writes. */
  beat(intervalMs: number): void {
    if (this.isClosed || performance.now() - this.lastWriteAt < intervalMs || this.res.writableNeedDrain) return
    if (this.pending && !this.isStream) return
    if (!this.res.headersSent) {
      this.pending ??= { status: 200, headers: STREAM_HEADERS }
      this.isStream = true
      this.writeHead()
    }
    this.lastWriteAt = performance.now()
    this.res.write(': keep-alive\n\n')
  }

  /** `wholeBytes`: the body's length, where it is known by now. */
  private writeHead(wholeBytes?: number): void {
    if (this.res.headersSent || !this.pending) return
    const { status, headers } = this.pending
    this.res.writeHead(status, {
      ...headers,
      ...(wholeBytes === undefined || headers['content-length'] !== undefined ? {} : { 'content-length': wholeBytes }),
      'x-request-id': this.settings.requestId,
      ...this.settings.headers,
    })
  }

  private waitForDrain(): void {
    if (this.stallTimer) return
    this.limitStall()
    this.res.once('drain', () => {
      clearTimeout(this.stallTimer)
      this.stallTimer = undefined
      this.flow?.resume()
    })
  }

  private limitStall(): void {
    this.stallTimer ??= setTimeout(() => this.res.destroy(), this.settings.stallTimeoutMs)
  }
}
