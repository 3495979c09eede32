/**
 * What the API server refused, or that it could not be reached (`status` 0). The message holds neither body nor
 * headers, so that it may be logged and shown; the library's own exceptions put both into theirs.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** The API server's word for it, such as `AlreadyExists`; `Unreachable` or `Timeout` of ours for status 0. */
  readonly reason: string
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined
  /** The server's sentence, at most 500 characters. It may quote fields of the object; of Secrets only a quota's. */
  readonly explanation: string | undefined

  constructor(what: string, { status, reason, retryAfterMs, explanation, cause }: Particulars) {
    super(`${what}: ${status === 0 ? '' : `${status} `}${reason}`, cause === undefined ? {} : { cause })
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
    this.explanation = explanation
  }

  get isNotFound(): boolean {
    return this.status === 404
  }

  /** Somebody else changed the object since it was read. */
  get isConflict(): boolean {
    return this.status === 409 && this.reason !== 'AlreadyExists'
  }

  get isAlreadyExists(): boolean {
    return this.reason === 'AlreadyExists'
  }

  /** The version asked for is forgotten: what was read is to be listed anew. */
  get isGone(): boolean {
    return this.status === 410
  }
}

/** Undefined where there is no such thing. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.isNotFound) return undefined
    throw error
  }
}

interface Particulars {
  readonly status: number
  readonly reason: string
  readonly retryAfterMs?: number | undefined
  readonly explanation?: string | undefined
  readonly cause?: unknown
}

const MAX_EXPLANATION = 500
const MAX_RETRY_AFTER_MS = 60_000
/** It tells of numbers alone (kubernetes.io: "Resource Quotas"). */
const QUOTA = /: exceeded quota: /

/**
 * Of an answer's body, which is a `Status` wherever the API server itself answers, and anything at all where a load
 * balancer does. https://kubernetes.io/docs/reference/kubernetes-api/definitions/status-v1-meta/
 */
export function refusalOf(what: string, status: number, body: string, retryAfter?: string, isSecret = false): ApiError {
  const { reason, message, details } = statusIn(body)
  const seconds = Number(retryAfter ?? details?.retryAfterSeconds)
  return new ApiError(what, {
    status,
    reason: typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : 'Unknown',
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined,
    explanation:
      typeof message === 'string' && (!isSecret || QUOTA.test(message)) ? message.slice(0, MAX_EXPLANATION) : undefined,
  })
}

interface Status {
  readonly reason?: unknown
  readonly message?: unknown
  readonly details?: { readonly retryAfterSeconds?: unknown } | null
}

function statusIn(body: string): Status {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
