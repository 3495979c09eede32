import type { Dispatcher } from 'undici'
import { ApiError, refusalOf } from './api-error.ts'
import type { ReadIdentity } from './identity.ts'
import { createSessions, type Session } from './session.ts'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, with its query. */
  readonly path: string
  readonly contentType?: string
  readonly body?: string
  readonly signal?: AbortSignal | undefined
  /** The plural of the kind that is spoken of; undefined where it is none. Errors about Secrets quote nothing. */
  readonly resource?: string
}

export interface Connection {
  /** The whole answer as text. Throws an ApiError for any status but 2xx, and when the deadline has passed. */
  ask(call: Call): Promise<string>
  /** An answer that goes on and on: it has no deadline, but may not be silent for longer than said. */
  stream(call: Call, silenceMs: number): Promise<AsyncIterable<Buffer>>
  close(): Promise<void>
}

export interface ConnectionOptions {
  readonly readIdentity: ReadIdentity
  readonly deadlineMs?: number
  /** How long an identity is believed before it is read anew. */
  readonly identityMs?: number
  readonly onAnswer?: (answer: Answered) => void
  /** Hears what the API server warns of, such as unknown fields and versions that are going to be removed. */
  readonly onWarning?: (warning: string) => void
}

/** What is told of every answer. */
interface Answered {
  /** The method, or `WATCH` for what goes on and on. */
  readonly verb: string
  readonly resource: string
  /** 0 when no answer came. */
  readonly status: number
}

type Answer = Dispatcher.ResponseData

/** How a call is sent: on which connections, and for how long nothing may come. */
interface Way {
  readonly isWatch: boolean
  readonly bodyTimeout: number
}

export function openConnection(options: ConnectionOptions): Connection {
  const { readIdentity, deadlineMs = 30_000, identityMs = 60_000, onAnswer, onWarning } = options
  const sessions = createSessions(readIdentity, identityMs)

  function tell({ method, resource = '' }: Call, { isWatch }: Way, status: number): void {
    onAnswer?.({ verb: isWatch ? 'WATCH' : method, resource, status })
  }

  async function send(call: Call, way: Way): Promise<Answer> {
    const answer = await exchange(call, await sessions.current(), way)
    if (answer.statusCode !== 401) return answer
    await answer.body.dump()
    // The token has expired, perhaps while this process was stopped: the file has a newer one.
    return exchange(call, await sessions.renew(), way)
  }

  async function exchange(call: Call, { identity, calls, watches }: Session, way: Way): Promise<Answer> {
    const { method, path, contentType, body, signal } = call
    const { origin, pathname } = new URL(identity.server)
    const answer = await (way.isWatch ? watches : calls).request({
      origin,
      path: pathname.replace(/\/$/, '') + path,
      method,
      headers: {
        ...identity.headers,
        accept: 'application/json',
        'user-agent': 'tollgate-operator',
        ...(contentType !== undefined && { 'content-type': contentType }),
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      bodyTimeout: way.bodyTimeout,
    })
    tell(call, way, answer.statusCode)
    for (const warning of [answer.headers['warning'] ?? []].flat()) onWarning?.(warning)
    return answer
  }

  /** What went wrong, in our words; an end that the caller wished for stays what it is. */
  function failure(call: Call, way: Way, error: unknown): unknown {
    if (error instanceof ApiError) return error
    if (call.signal?.aborted) return call.signal.reason
    tell(call, way, 0)
    const isLate = error instanceof Error && /Timeout/.test(error.name)
    return new ApiError(titleOf(call), { status: 0, reason: isLate ? 'Timeout' : 'Unreachable', cause: error })
  }

  return {
    async ask(call) {
      call.signal?.throwIfAborted()
      const way = { isWatch: false, bodyTimeout: deadlineMs }
      try {
        const deadline = AbortSignal.timeout(deadlineMs)
        const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline
        const answer = await send({ ...call, signal }, way)
        const text = await answer.body.text()
        if (answer.statusCode >= 200 && answer.statusCode < 300) return text
        throw refusal(call, answer, text)
      } catch (error) {
        throw failure(call, way, error)
      }
    },
    async stream(call, silenceMs) {
      call.signal?.throwIfAborted()
      const way = { isWatch: true, bodyTimeout: silenceMs }
      try {
        const answer = await send(call, way)
        if (answer.statusCode !== 200) throw refusal(call, answer, await answer.body.text())
        return pieces(answer.body, (error) => failure(call, way, error))
      } catch (error) {
        throw failure(call, way, error)
      }
    },
    close: () => sessions.close(),
  }
}

async function* pieces(body: AsyncIterable<Buffer>, failure: (error: unknown) => unknown): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw failure(error)
  }
}

function refusal(call: Call, { statusCode, headers }: Answer, body: string): ApiError {
  return refusalOf(
    titleOf(call),
    statusCode,
    body,
    [headers['retry-after'] ?? []].flat()[0],
    call.resource === 'secrets',
  )
}

function titleOf({ method, path }: Call): string {
  return `${method} ${path.replace(/\?.*$/, '')}`
}
