import type { ServerResponse } from 'node:http'
import type { Endpoint } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Flow, Headers, Sink } from '../domain/sink.ts'
import { errorEvent } from './error-body.ts'
import { type ReportError, sendError } from './send-error.ts'

type Fields = Readonly<Record<string, string>>

interface Settings {
  readonly endpoint: Endpoint
  readonly requestId: string
  /** Sent with every answer; `addHeaders` adds what is known later. */
  readonly headers: Fields
  /** A client that takes nothing for so long is given up. */
  readonly stallTimeoutMs: number
  readonly reportError: ReportError
  /** Asked when the head is written, for the call may have begun long before: then the connection ends with the answer. */
  readonly isDraining: () => boolean
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const MAX_REFUSAL_BYTES = 64 * 1024

/** The client's end of a call: writes the answer as it comes, holds the upstream back when the client is slow. */
export class ClientAnswer implements Sink {
  private readonly res: ServerResponse
  private readonly settings: Settings
  private readonly headers: Fields
  private headersNow: (() => Fields) | undefined
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
    this.headers = settings.headers
    res.on('close', () => {
      clearTimeout(this.stallTimer)
      if (res.writableFinished) return
      this.isGone = true
      this.goneListener?.()
    })
  }

  /** For what only the call's way through the gateway tells: asked when the head is written. */
  addHeaders(headers: () => Fields): void {
    this.headersNow = headers
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
      this.failRefused(this.refusal.status, Buffer.concat(this.refusal.chunks).toString('utf8'))
      return
    }
    this.writeHead(last?.length ?? 0)
    if (last) this.res.end(last)
    else this.res.end()
    // A client may stop reading at the very end, too; behind another answer on its connection it is that one's affair.
    if (this.res.socket && this.res.writableLength > 0) this.limitStall()
  }

  /** `told`: what the client gets, where that is more than the log may have. */
  fail(error: GatewayError, told = error): void {
    const { endpoint, requestId, reportError, isDraining } = this.settings
    reportError(error, requestId)
    if (this.isClosed) return
    if (isDraining()) this.res.shouldKeepAlive = false
    if (!this.res.headersSent) {
      const headers = this.headersNow ? { ...this.headers, ...this.headersNow() } : this.headers
      sendError(this.res, told, { dialect: endpoint.dialect, requestId, headers })
    } else if (this.isStream) this.res.end(errorEvent(told, endpoint.dialect, endpoint.protocol, requestId))
    else this.res.destroy() // a body that breaks off is the only way to say that it is not whole
  }

  /** The silence of a stream counts from here: reading and admitting the call was none of the upstream's. */
  startBeating(): void {
    this.lastWriteAt = performance.now()
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

  /** What an upstream says in a refusal quotes the prompt: it is for the client, and not for the log. */
  private failRefused(status: number, said: string): void {
    if (status < 300) {
      const message = 'The upstream answered a stream with a plain body.'
      this.fail(new GatewayError('upstream_invalid', { message, detail: `status ${status} behind a heartbeat` }))
      return
    }
    this.fail(
      new GatewayError('upstream_broken', { detail: `refused with status ${status} behind a heartbeat` }),
      new GatewayError('upstream_broken', { message: `The upstream refused the call with status ${status}: ${said}` }),
    )
  }

  /** `wholeBytes`: the body's length, where it is known by now. */
  private writeHead(wholeBytes?: number): void {
    if (this.res.headersSent || !this.pending) return
    const { status, headers } = this.pending
    if (this.settings.isDraining()) this.res.shouldKeepAlive = false
    this.res.writeHead(status, {
      ...headers,
      ...(wholeBytes === undefined || headers['content-length'] !== undefined ? {} : { 'content-length': wholeBytes }),
      'x-request-id': this.settings.requestId,
      ...this.headers,
      ...this.headersNow?.(),
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

  /** One write may be a large event: a client that reads it slowly, but reads, is not given up. */
  private limitStall(): void {
    const unsent = unsentBytes(this.res)
    clearTimeout(this.stallTimer)
    this.stallTimer = setTimeout(() => {
      if (unsentBytes(this.res) === unsent) this.res.destroy()
      else this.limitStall()
    }, this.settings.stallTimeoutMs)
  }
}

/** What the kernel has not taken yet of the write under way. Node's own time-out of sockets looks at this field. */
function unsentBytes({ socket }: ServerResponse): number | undefined {
  const { _handle: handle } = (socket ?? {}) as { _handle?: { writeQueueSize?: number } | null } // safe: all optional
  return handle?.writeQueueSize
}
