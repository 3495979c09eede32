import type { Agent, Dispatcher } from 'undici'
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
  /** Errors about Secrets quote nothing. */
  readonly isSecret?: boolean
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
  /** Hears of every answer: the status, or 0 when there was none. */
  readonly onAnswer?: (method: string, status: number) => void
  /** Hears what the API server warns of, such as unknown fields and versions that are going to be removed. */
  readonly onWarning?: (warning: string) => void
}

type Answer = Dispatcher.ResponseData
type Pick = (session: Session) => Agent

export function openConnection(options: ConnectionOptions): Connection {
  const { readIdentity, deadlineMs = 30_000, identityMs = 60_000, onAnswer, onWarning } = options
  const sessions = createSessions(readIdentity, identityMs)

  async function send(call: Call, pick: Pick, bodyTimeout: number): Promise<Answer> {
    const session = await sessions.current()
    const answer = await exchange(call, session, pick(session), bodyTimeout)
    if (answer.statusCode !== 401) return answer
    await answer.body.dump()
    // The token has expired, perhaps while this process was stopped: the file has a newer one.
    const renewed = await sessions.renew()
    return exchange(call, renewed, pick(renewed), bodyTimeout)
  }

  async function exchange(call: Call, { identity }: Session, agent: Agent, bodyTimeout: number): Promise<Answer> {
    const { method, path, contentType, body, signal } = call
    const { origin, pathname } = new URL(identity.server)
    const answer = await agent.request({
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
      bodyTimeout,
    })
    onAnswer?.(method, answer.statusCode)
    for (const warning of [answer.headers['warning'] ?? []].flat()) onWarning?.(warning)
    return answer
  }

  /** What went wrong, in our words; an end that the caller wished for stays what it is. */
  function failure(call: Call, error: unknown): unknown {
    if (error instanceof ApiError) return error
    if (call.signal?.aborted) return call.signal.reason
    onAnswer?.(call.method, 0)
    const isLate = error instanceof Error && /Timeout/.test(error.name)
    return new ApiError(titleOf(call), { status: 0, reason: isLate ? 'Timeout' : 'Unreachable', cause: error })
  }

  return {
    async ask(call) {
      call.signal?.throwIfAborted()
      try {
        const deadline = AbortSignal.timeout(deadlineMs)
        const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline
        const answer = await send({ ...call, signal }, ({ calls }) => calls, deadlineMs)
        const text = await answer.body.text()
        if (answer.statusCode >= 200 && answer.statusCode < 300) return text
        throw refusal(call, answer, text)
      } catch (error) {
        throw failure(call, error)
      }
    },
    async stream(call, silenceMs) {
      call.signal?.throwIfAborted()
      try {
        const answer = await send(call, ({ watches }) => watches, silenceMs)
        if (answer.statusCode !== 200) throw refusal(call, answer, await answer.body.text())
        return pieces(answer.body, (error) => failure(call, error))
      } catch (error) {
        throw failure(call, error)
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
  return refusalOf(titleOf(call), statusCode, body, [headers['retry-after'] ?? []].flat()[0], call.isSecret)
}

function titleOf({ method, path }: Call): string {
  return `${method} ${path.replace(/\?.*$/, '')}`
}
