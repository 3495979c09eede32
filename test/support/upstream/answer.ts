import { nothingServed } from './behaviour.ts'
import type { SeenCall, Settled, Usage } from './behaviour.ts'

/** What an endpoint is given. */
export interface Asked {
  readonly call: SeenCall
  readonly plan: Settled
  readonly models: readonly string[]
}

export interface StreamEvent {
  /** The `event:` line. OpenAI's older endpoints have none. */
  readonly name?: string
  /** Text goes out as it is, everything else as JSON. */
  readonly data: unknown
  /** What has been spent when this event is out. */
  readonly spent: Usage
  readonly reported?: boolean
  readonly terminal?: boolean
}

export interface StreamAnswer {
  readonly kind: 'stream'
  readonly events: readonly StreamEvent[]
  /** What `errorAfter` puts in the place of the rest. */
  readonly failure: Omit<StreamEvent, 'spent'>
}

export interface WholeAnswer {
  readonly kind: 'whole'
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
  readonly spent: Usage
  readonly reported: boolean
}

export type Answer = StreamAnswer | WholeAnswer
export type Endpoint = (asked: Asked) => Answer

/** Answers are the same in every run, down to their dates. */
export const CREATED_S = 1_767_225_600

/** An answer of JSON. Without usage it costs nothing, like a list of models or an error. */
export function json(body: unknown, spent?: Usage, status = 200): WholeAnswer {
  return {
    kind: 'whole',
    status,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(body)),
    spent: spent ?? nothingServed,
    reported: spent !== undefined,
  }
}

export function modelOf(call: SeenCall): string {
  return call.model ?? 'fake-model'
}

export interface Delta {
  readonly text: string
  readonly spent: Usage
}

/** The text in `chunks` deltas. Each has cost its share of the output, so that a stream that was cut has cost less. */
export function deltas({ text, chunks, usage }: Settled): readonly Delta[] {
  const characters = Array.from(text)
  const share = (whole: number, index: number): number => Math.floor((whole * index) / chunks)
  return Array.from({ length: chunks }, (_, index) => ({
    text: characters.slice(share(characters.length, index), share(characters.length, index + 1)).join(''),
    spent: { ...usage, output: share(usage.output, index + 1), reasoning: share(usage.reasoning, index + 1) },
  }))
}

/** The text of an answer that is not streamed. */
export function wholeText({ text, hugeBodyBytes }: Settled): string {
  return hugeBodyBytes === undefined ? text : text.padEnd(hugeBodyBytes, 'x')
}
