import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Call } from '../domain/call.ts'
import { type Endpoint, endpointOf, isPlainPath } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import { ulid } from '../domain/ulid.ts'
import { isLoop } from '../domain/via.ts'
import type { Bodies } from './body.ts'
import { ClientAnswer } from './client-answer.ts'
import { credentialOf, withoutCredentials } from './credential.ts'
import type { Heartbeat } from './heartbeat.ts'
import { rateLimitHeaderNames } from './rate-limit-headers.ts'
import { requestIdOf } from './request-id.ts'
import { asGatewayError, type ReportError } from './send-error.ts'
import { type AnswerWatcher, watchAnswer } from './watch-answer.ts'

/** A request as the pipeline takes it. */
export interface Incoming extends Pick<Call, 'endpoint' | 'method' | 'search' | 'headers'> {
  /** A ULID: the call's name in the ledger. */
  readonly id: string
  readonly requestId: string
  readonly credential: string | undefined
  /** Where the call comes from, as far as that is known. */
  readonly address: () => string | undefined
  readonly client: ClientAnswer
  /** Reads the body; nothing of it has been read before. */
  readBody(): Promise<Buffer>
  /** The answer will be a stream: keep it alive while it is silent. */
  keepAlive(): void
  /** Tells of all that is written from now on. */
  watchAnswer(watcher: AnswerWatcher): void
}

export interface GatewayParts {
  /** Resolves when the call is in the ledger; throws what is refused before that. */
  readonly pipeline: (incoming: Incoming) => Promise<void>
  readonly bodies: Bodies
  readonly heartbeat: Heartbeat
  readonly passthroughPaths: readonly string[]
  readonly maxConcurrentRequests: number
  readonly stallTimeoutMs: number
  readonly corsOrigin: string
  readonly clientAddress: (req: IncomingMessage) => string | undefined
  readonly isDraining: () => boolean
  readonly reportError: ReportError
}

export interface Gateway {
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  inFlight(): number
  /** Resolves when no call is in flight. */
  whenIdle(): Promise<void>
}

/** `/v1/*`: turns a request into a call for the pipeline, and what the pipeline throws into an answer. */
export function createGateway(parts: GatewayParts): Gateway {
  const cors = corsHeaders(parts.corsOrigin)
  let inFlight = 0
  let idle = Promise.withResolvers<void>()

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const id = ulid()
    const requestId = requestIdOf(req, id)
    const [path, search] = splitUrl(req.url ?? '/')
    const endpoint = endpointOf(path, parts.passthroughPaths, req.headers['anthropic-version'] !== undefined)
    if (req.method === 'OPTIONS') return answerPreflight(req, res, cors, requestId)

    const { stallTimeoutMs, reportError, isDraining } = parts
    const client = new ClientAnswer(res, {
      endpoint,
      requestId,
      headers: cors,
      stallTimeoutMs,
      reportError,
      isDraining,
    })
    let body: Buffer | undefined
    inFlight += 1
    try {
      check(req.method ?? '', path, endpoint)
      if (isLoop(req.headers.via)) throw new GatewayError('loop_detected')
      if (inFlight > parts.maxConcurrentRequests) throw new GatewayError('overloaded', { retryAfterMs: 1000 })
      await parts.pipeline({
        id,
        endpoint,
        requestId,
        client,
        method: req.method ?? '',
        search: withoutCredentials(search),
        headers: req.headers,
        credential: credentialOf(req.headers, search),
        address: () => parts.clientAddress(req),
        readBody: async () => (body = await parts.bodies.read(req, res)),
        keepAlive() {
          client.startBeating()
          parts.heartbeat.watch(client)
        },
        watchAnswer: (watcher) => watchAnswer(res, watcher),
      })
    } catch (thrown) {
      client.fail(asGatewayError(thrown))
    } finally {
      inFlight -= 1
      if (inFlight === 0) {
        idle.resolve()
        idle = Promise.withResolvers<void>()
      }
      parts.heartbeat.unwatch(client)
      if (body) parts.bodies.release(body)
    }
  }
  return { handle, inFlight: () => inFlight, whenIdle: () => (inFlight === 0 ? Promise.resolve() : idle.promise) }
}

function check(method: string, path: string, endpoint: Endpoint): void {
  if (!isPlainPath(path)) throw new GatewayError('path_invalid')
  if (endpoint.methods.length > 0 && !endpoint.methods.includes(method)) {
    throw new GatewayError('method_not_allowed', { headers: { allow: endpoint.methods.join(', ') } })
  }
}

function splitUrl(url: string): [path: string, search: string] {
  const at = url.indexOf('?')
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at)]
}

/** What every answer says to a browser: who may read it, and which headers of ours besides the usual ones. */
function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [
      'x-request-id',
      'request-id',
      'retry-after',
      'x-should-retry',
      ...rateLimitHeaderNames,
    ].join(', '),
    ...(origin === '*' ? {} : { vary: 'origin' }),
  }
}

/** https://fetch.spec.whatwg.org/#http-cors-protocol */
function answerPreflight(
  req: IncomingMessage,
  res: ServerResponse,
  headers: Readonly<Record<string, string>>,
  requestId: string,
): void {
  res.writeHead(204, {
    ...headers,
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    // The SDKs send a dozen headers of their own, and new ones with every release: whatever is asked for may be sent.
    'access-control-allow-headers':
      req.headers['access-control-request-headers'] ?? 'Content-Type, Authorization, x-api-key',
    'access-control-max-age': '86400',
    'x-request-id': requestId,
  })
  res.end()
}
