import type { AttemptsParts, Send } from './attempts.ts'
import { type FailedAttempt, NOTHING_TOLD, type Outcome } from './domain/entry.ts'
import { errorCatalogue, type GatewayError } from './domain/errors.ts'
import { NO_USAGE } from './domain/usage.ts'
import type { Failed } from './meter/hold.ts'
import type { Failure } from './route/failure.ts'
import { classify, statusOfErrorType } from './route/subtype.ts'
import type { Rendered } from './translated-answer.ts'

/** What a failed attempt says of its channel. */
export function failureOf({ status, text, limits, errorType, error }: Failed, now: number): Failure {
  if (errorType !== undefined) return { kind: 'status', ...classify(statusOfErrorType(errorType), text, limits, now) }
  if (error !== undefined) {
    // A web page or a redirect, and silence, are answers of a kind; all else is a connection that did not hold.
    const isAnswer = error.code === 'upstream_invalid' || error.code === 'upstream_timeout'
    return isAnswer ? { kind: 'status', status: error.status } : { kind: 'network' }
  }
  if (status === undefined || status < 400) return { kind: 'network' } // a stream that ended before it began
  return { kind: 'status', ...classify(status, text, limits, now) }
}

/** This process ends, or nobody is there any more: another upstream would be no help. */
export function isEnding({ error }: Failed): boolean {
  return error?.code === 'shutting_down' || error?.code === 'client_gone'
}

/** The upstream does not know whose call it is. */
export function isUnauthorised(failure: Failure): boolean {
  return failure.kind === 'status' && failure.status === 401
}

/** What the ledger keeps of an attempt that another one followed. */
export function failedAttempt(
  sent: Send,
  quota: string | undefined,
  { verdict, failure }: { readonly verdict: Failed; readonly failure: Failure },
  next: Send,
  durationMs: number,
  costsOf: AttemptsParts['costsOf'],
): FailedAttempt {
  const { usage: told = NO_USAGE, errorType, error } = verdict
  // What ends in an error of the upstream's own is not paid for; what broke off may be.
  const usage = errorType === undefined ? told : NO_USAGE
  return {
    channel: sent.channel.name,
    model: sent.model ?? null,
    status: failure.kind === 'status' ? failure.status : 0,
    error: errorType ?? error?.code ?? null,
    followedBy: next.channel.id === sent.channel.id ? 'again' : 'next',
    durationMs,
    usage,
    costs: costsOf({ metering: 'exact', usage, told: NOTHING_TOLD }, sent),
    quota: quota ?? null,
  }
}

/** What attempts have cost that count to a quota, in nano-USD. */
export function costOnQuota(failed: readonly FailedAttempt[], subject: string): number {
  return failed.reduce((sum, { quota, costs }) => (quota === subject ? sum + (costs?.totalNanoUsd ?? 0) : sum), 0)
}

/**
 * How a call ends for its caller whose answer had to be said in another format: what cannot be said fails, whole though it came,
 * and of what broke off before anything could be said the caller gets the error itself. What was used is used.
 */
export function asRendered(outcome: Outcome, { fault, hasBegun }: Rendered): Outcome {
  const isUnsaid = fault !== undefined && outcome.status === 'completed'
  const said: Outcome = isUnsaid ? { ...outcome, status: 'failed', error: fault.code } : outcome
  if (said.status !== 'failed' || hasBegun || said.httpStatus >= 300) return said
  return { ...said, httpStatus: statusOf(said.error) }
}

const BAD_GATEWAY = 502

/** What an upstream calls its error is not in our catalogue. */
function statusOf(code: string | null): number {
  const known: Readonly<Record<string, readonly [status: number, sentence: string]>> = errorCatalogue
  return known[code ?? '']?.[0] ?? BAD_GATEWAY
}

/** An attempt that ended in the upstream's own error before any output has used nothing, also where it was the last one. */
export function withoutOwnError(outcome: Outcome, verdict: Failed | undefined): Outcome {
  return verdict?.errorType === undefined ? outcome : { ...outcome, metering: 'exact', usage: NO_USAGE }
}

/** How a call ends that was never sent. */
export function unsentOutcome({ code, status }: GatewayError, durationMs: number): Outcome {
  return {
    status: code === 'client_gone' ? 'client_gone' : 'failed',
    httpStatus: status,
    error: code,
    metering: 'exact',
    usage: NO_USAGE,
    firstByteMs: null,
    durationMs,
    told: NOTHING_TOLD,
  }
}
