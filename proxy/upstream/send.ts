import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import type { Call } from '../domain/call.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Flow, Sink } from '../domain/sink.ts'
import type { Target } from '../domain/target.ts'
import { type Decoder, decoderFor } from './decoder.ts'
import { type Progress, toGatewayError } from './failure.ts'
import { checkHost, guardedLookup } from './guarded-lookup.ts'
import { limitHeaders, requestHeaders, responseHeaders } from './headers.ts'

export interface UpstreamSettings {
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly idleTimeoutMs: number
}

export interface Upstream {
  /** Sends the call and pushes the answer into `sink`, which hears of everything that happens, failures included. */
  send(target: Target, call: Call, sink: Sink): Flow
  /** Ends every exchange that is under way and lets none begin; their sinks are told the reason. */
  destroy(reason: GatewayError): Promise<void>
}

export function createUpstream({ connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs }: UpstreamSettings): Upstream {
  const pools = new Map<string, Pool>()
  const poolOf = ({ origin, timeouts, tls }: Target): Pool => {
    const timeout = timeouts.connectMs ?? connectTimeoutMs
    const name = `${origin} ${timeout} ${tls.isInsecure} ${tls.authorities ?? ''}`
    let pool = pools.get(name)
    if (pool === undefined) {
      checkHost(new URL(origin).hostname)
      const trust = { rejectUnauthorized: !tls.isInsecure, ...(tls.authorities !== null && { ca: tls.authorities }) }
      pools.set(name, (pool = new Pool(origin, { connect: { timeout, lookup: guardedLookup, ...trust } })))
    }
    return pool
  }
  let ended: GatewayError | undefined
  return {
    send(target, call, sink) {
      const exchange = new Exchange(target, sink)
      if (ended) {
        sink.fail(new GatewayError(ended.code, { ...ended.particulars, isUnbilled: true }))
        return exchange
      }
      let pool: Pool
      try {
        pool = poolOf(target)
      } catch (error) {
        exchange.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)))
        return exchange
      }
      pool.dispatch(
        {
          method: call.method,
          path: target.path,
          headers: Object.assign(requestHeaders(call.headers, target.withheld), target.headers),
          body: call.body.length > 0 ? call.body : null,
          headersTimeout: target.timeouts.firstByteMs ?? firstByteTimeoutMs,
          bodyTimeout: target.timeouts.idleMs ?? idleTimeoutMs,
        },
        exchange,
      )
      return exchange
    },
    async destroy(reason) {
      ended = reason
      await Promise.all([...pools.values()].map((pool) => pool.destroy(reason)))
    },
  }
}

/** One exchange with an upstream: undici's handler on one side, the sink and its back-pressure on the other. */
class Exchange implements Dispatcher.DispatchHandler, Flow {
  private readonly target: Target
  private readonly sink: Sink
  private controller: Dispatcher.DispatchController | undefined
  private aborted: GatewayError | undefined
  private decoder: Decoder | undefined
  private progress: Progress = 'unsent'
  private hasFailed = false
  /** How the connection ended, while what it had brought is still being unpacked. */
  private broken: Error | undefined

  constructor(target: Target, sink: Sink) {
    this.target = target
    this.sink = sink
  }

  resume(): void {
    if (this.decoder) this.decoder.resume()
    else this.controller?.resume()
  }

  abort(reason: GatewayError): void {
    this.aborted = reason
    this.controller?.resume() // undici delivers nothing, not even the end, while it is paused
    this.controller?.abort(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.progress = 'sent' // undici calls this right before it writes
    if (this.aborted) controller.abort(this.aborted)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.progress = 'answered'
    this.decoder = decoderFor(headers['content-encoding'])
    if (this.decoder) this.decode(this.decoder)
    const kept = responseHeaders(headers, this.decoder !== undefined)
    if (status < 400) this.sink.head(status, kept)
    else this.sink.head(status, kept, limitHeaders(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.decoder ? !this.decoder.write(chunk) : !this.sink.data(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.decoder) this.decoder.end()
    else this.sink.end()
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.decoder === undefined || this.hasFailed || (this.aborted ?? error) instanceof GatewayError) {
      this.fail(error)
      return
    }
    this.broken = error
    // At its end alone a decoder keeps the last piece of what is cut off to itself.
    const { decoder } = this
    decoder.flush(() => decoder.end())
  }

  private fail(error: Error): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.decoder?.destroy()
    this.sink.fail(toGatewayError(this.aborted ?? error, this.target.channel, this.progress))
  }

  private decode(decoder: Decoder): void {
    decoder.on('data', (chunk: Buffer) => {
      try {
        if (!this.sink.data(chunk)) decoder.pause()
      } catch (error) {
        // What a listener throws would end the process; from undici's own callbacks it comes back as onResponseError.
        decoder.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
    decoder.on('drain', () => this.controller?.resume())
    decoder.on('end', () => {
      if (this.broken) this.fail(this.broken)
      else this.sink.end()
    })
    decoder.on('error', (error) => {
      this.fail(this.broken ?? error)
      this.controller?.abort(error)
    })
  }
}
