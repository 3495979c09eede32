import type { GatewayError } from './errors.ts'

export type Headers = Record<string, string | string[]>

/**
 * Where an answer goes as it arrives: `head`, then `data` any number of times, then `end` or `fail`, once.
 * `data` answers false when the reader is behind: the sender pauses until it is resumed.
 */
export interface Sink {
  /** `limits`: what the upstream says of its own account's limits, which is nothing for callers. */
  head(status: number, headers: Headers, limits?: Headers): void
  data(chunk: Buffer): boolean
  /** `last` are bytes that go with the end, in one write. */
  end(last?: Buffer): void
  fail(error: GatewayError): void
}

/** The other direction: how a reader holds back or ends what is being sent to it. */
export interface Flow {
  resume(): void
  abort(reason: GatewayError): void
}
