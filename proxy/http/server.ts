import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { GatewayError } from '../domain/errors.ts'
import { ulid } from '../domain/ulid.ts'
import { errorBody } from './error-body.ts'
import type { ReportError } from './send-error.ts'

export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly requestTimeoutMs: number
  readonly reportError: ReportError
}

export interface Listening {
  readonly port: number
  /** Stops accepting; resolves when every connection has ended, or after `graceMs`, when the rest is cut. */
  close(graceMs: number): Promise<void>
}

const SWEEP_MS = 50
const HEADERS_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 75_000 // longer than the idle time of the usual load balancers, so that they close first

/** Listens, and answers what never becomes a request: broken HTTP gets an error with a request id too. */
export async function listen(
  listener: RequestListener,
  { host, port, requestTimeoutMs, reportError }: ServerSettings,
): Promise<Listening> {
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(5000, requestTimeoutMs),
      noDelay: true,
    },
    listener,
  )
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  // The key is checked on the headers: nobody is told to send a body before that.
  server.on('checkContinue', listener)
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || hasAnswerBegun(socket)) {
      socket.destroy()
      return
    }
    const requestId = ulid()
    const refusal = refusalOf(error)
    reportError(refusal, requestId)
    const body = JSON.stringify(errorBody(refusal, 'openai', requestId))
    socket.end(
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\nconnection: close\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\n\r\n${body}`,
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port, // safe: it listens on TCP
    close: (graceMs) => close(server, connections, graceMs),
  }
}

async function close(server: Server, connections: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  const sweep = (): void => {
    server.closeIdleConnections()
    // Node does not take a connection for idle that never had a request; clients open such ones ahead of need.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  }
  sweep()
  const sweeper = setInterval(sweep, SWEEP_MS)
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(sweeper)
  clearTimeout(timer)
}

/** Whatever was written now would stand in the middle of that answer. Node's own handler looks at the same field. */
function hasAnswerBegun(socket: Socket & { readonly ['_httpMessage']?: ServerResponse | null }): boolean {
  return socket['_httpMessage']?.headersSent === true
}

function refusalOf(error: Error & { readonly code?: string }): GatewayError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', { cause: error })
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('headers_too_large', { cause: error })
    default:
      return new GatewayError('request_malformed', { cause: error })
  }
}
