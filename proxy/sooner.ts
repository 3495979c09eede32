import type { GatewayError } from './domain/errors.ts'

/** Of two refusals the one that is over first. */
export function sooner(one: GatewayError | undefined, other: GatewayError): GatewayError {
  if (one === undefined) return other
  return waitOf(other) < waitOf(one) ? other : one
}

/** In milliseconds; Infinity where nobody knows when it is over. */
export function waitOf({ particulars: { retryAfterMs = Infinity } }: GatewayError): number {
  return retryAfterMs
}
