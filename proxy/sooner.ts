import type { GatewayError } from './domain/errors.ts'

/** Of two refusals the one that is over first. */
export function sooner(one: GatewayError | undefined, other: GatewayError): GatewayError {
  if (one === undefined) return other
  const waitOf = ({ particulars: { retryAfterMs = Infinity } }: GatewayError): number => retryAfterMs
  return waitOf(other) < waitOf(one) ? other : one
}
