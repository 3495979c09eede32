import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http'
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

const HEADERS_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 75_000 // longer than the idle time of the usual load balancers, so that they close first

/** Listens, and answers what never becomes a request: broken HTTP gets an error with a request id too. */
export async function listen(
  listener: RequestListener,
  { host, port, requestTimeoutMs, reportError }: ServerSettings,
): Promise<{ readonly server: Server; readonly port: number }> {
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
  // The key is checked on the headers: nobody is told to send a body before that.
  server.on('checkContinue', listener)
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
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
  return { server, port: (server.address() as AddressInfo).port } // safe: it listens on TCP
}

/** Stops accepting; resolves when every connection has ended, or at the deadline, when the rest is cut. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  clearTimeout(timer)
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
