import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

export interface Usage {
  /** Prompt tokens that were neither read from nor written to the cache. OpenAI's prompt_tokens is the sum of all. */
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** The part of `cacheWrite` that was written for one hour instead of five minutes (Anthropic only). */
  readonly cacheWrite1h: number
  readonly output: number
  /** The part of `output` that was thought and not said. */
  readonly reasoning: number
}

/** A place in the body: after so many events, or after so many bytes. A number above zero is the middle of a JSON body. */
export type Point = number | { readonly bytes: number }

export interface Behaviour {
  /** 400 and above answers with an error in the provider's own shape. */
  readonly status: number
  /** Added to the head, and stronger than what the endpoint says. */
  readonly headers: OutgoingHttpHeaders
  readonly error: { readonly type?: string; readonly code?: string; readonly message?: string }
  readonly usage: Partial<Usage>
  readonly text: string
  /** How many deltas `text` is told in. */
  readonly chunks: number
  /** Waited before the head. */
  readonly delayMs: number
  readonly betweenMs: number
  /** From here nothing comes any more, until `release()`. */
  readonly stallAfter: Point
  /** Here the connection is destroyed, without an end of the body. */
  readonly cutAfter: Point
  /** The connection is destroyed when the request has been read: the client gets no head at all. */
  readonly hangUp: boolean
  /** After so many events comes an error, inside the 200. */
  readonly errorAfter: number
  /** How /v1/responses reports `errorAfter`. */
  readonly responsesFailure: 'error' | 'response.failed'
  readonly withoutUsage: boolean
  /** The stream ends in good order, but without message_stop, [DONE] or response.completed. */
  readonly withoutTerminal: boolean
  /** Compressed whether the client can read it or not. */
  readonly gzip: boolean
  /** How the body is cut into writes, with no regard for lines and characters. As given, events and writes coincide. */
  readonly split: 'bytes' | number | ((body: Buffer) => readonly Buffer[])
  readonly lineEnd: '\n' | '\r\n'
  /** The error page of a load balancer, with `status` or 200. */
  readonly html: boolean
  readonly rawBody: string | Buffer
  readonly contentType: string
  /** Not even a head comes, until `release()`. */
  readonly neverAnswer: boolean
  /** The text of an answer that is not streamed is at least this long. */
  readonly hugeBodyBytes: number
}

export type Plan = Partial<Behaviour> | ((call: SeenCall) => Partial<Behaviour>)

/** How far the answer got. A write that the kernel did not take completely does not count. */
export interface Served extends Usage {
  readonly events: number
  /** Bytes of the body, after compression. */
  readonly bytes: number
  /** The final usage was told to the client, and not only spent. */
  readonly reported: boolean
}

export interface SeenCall {
  /** Sent in the head as request-id (Anthropic) or x-request-id (OpenAI). */
  readonly requestId: string
  /** The `id` the answer carries, where its shape has one. */
  readonly answerId: string
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly rawBody: Buffer
  /** Empty when the body is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>
  readonly model: string | undefined
  readonly served: Served
  readonly ended: 'complete' | 'cut' | 'client_gone' | 'pending'
}

export const defaultUsage: Usage = { input: 25, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 50, reasoning: 0 }

/** Every character that is longer than a byte is one a careless reader of the stream breaks. */
export const defaultText = 'Grüße vom Schlagbaum: 通行料 — сто рублей, s’il vous plaît 🦀🚧. Ende.'

const nothing: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 0, reasoning: 0 }

export const nothingServed: Served = { ...nothing, events: 0, bytes: 0, reported: false }

export const defaults = {
  usage: {},
  text: defaultText,
  chunks: 5,
  delayMs: 0,
  betweenMs: 0,
  lineEnd: '\n',
  responsesFailure: 'error',
} as const satisfies Partial<Behaviour>

/** A plan after the defaults: what must have a value has one. */
export type Settled = Partial<Behaviour> & Pick<Behaviour, keyof typeof defaults> & { readonly usage: Usage }

export function settle(plan: Partial<Behaviour>): Settled {
  return { ...defaults, ...plan, usage: { ...defaultUsage, ...plan.usage } }
}
