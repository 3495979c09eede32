import type { Usage } from '../domain/usage.ts'
import { FormatError } from './format.ts'
import type { Seal } from './seal.ts'
import type { AssistantPart } from './turn.ts'
import type { UpstreamError } from './upstream-error.ts'

/** One answer, in no format. */
export interface Answer extends Heading {
  readonly parts: readonly AssistantPart[]
  readonly stop: Stop
}

export interface Heading {
  readonly id: string | undefined
  readonly model: string | undefined
  /** Seconds since 1970; Messages does not tell. */
  readonly createdAt: number | undefined
  /** In a stream, what is known at its start. */
  readonly usage: Usage | undefined
  /** In OpenAI's words. */
  readonly serviceTier: string | undefined
}

export interface Stop {
  readonly reason: 'end' | 'length' | 'sequence' | 'tools' | 'refusal' | 'pause' | 'window'
  /** The stop sequence that was met, where the provider tells. */
  readonly sequence: string | undefined
}

/**
 * A stream of an answer, in no format: `start`, then for each part `open` (with nothing in it yet), `grow`, at most one
 * `seal`, `close`; then `end`. One part is open at a time. An `error` ends it at any point.
 */
export type AnswerEvent =
  | ({ readonly kind: 'start' } & Heading)
  | { readonly kind: 'open'; readonly part: AssistantPart }
  | { readonly kind: 'grow'; readonly text: string }
  | { readonly kind: 'seal'; readonly seal: Seal }
  | { readonly kind: 'close' }
  | { readonly kind: 'end'; readonly stop: Stop; readonly usage: Usage | undefined }
  | { readonly kind: 'error'; readonly error: UpstreamError }

/** Reads a stream: the data of one event in, what it means out. Throws FormatError for what cannot be read. */
export interface StreamReader {
  read(data: string): readonly AnswerEvent[]
  /** The connection has ended; what that means where no terminal event has come. */
  end(): readonly AnswerEvent[]
}

/** Writes a stream: the server-sent events of one event. */
export type StreamWriter = (event: AnswerEvent) => string

const NO_HEADING: Heading = {
  id: undefined,
  model: undefined,
  createdAt: undefined,
  usage: undefined,
  serviceTier: undefined,
}
/** More than any model puts out. */
const MAX_BYTES = 32 * 1024 * 1024
/** About what a piece takes besides its text. */
const PIECE_BYTES = 32

/** Counts the pieces of an answer that are kept. Throws FormatError where they are more than any answer has. */
export function createHold(): (piece: string) => void {
  let bytes = 0
  return (piece) => {
    bytes += piece.length + PIECE_BYTES
    if (bytes > MAX_BYTES) throw new FormatError('The answer of the upstream is too long.')
  }
}

/** The events of a part that has come whole. */
export function wholePart(part: AssistantPart): readonly AnswerEvent[] {
  const text = part.kind === 'call' ? part.input : part.text
  return [
    { kind: 'open', part: withText(part, '') },
    ...(text === '' ? [] : [{ kind: 'grow' as const, text }]),
    { kind: 'close' },
  ]
}

/** Puts a stream together again, up to a length that no answer has. */
export class AnswerCollector {
  private heading = NO_HEADING
  private stop: Stop = { reason: 'end', sequence: undefined }
  private readonly parts: AssistantPart[] = []
  private readonly texts: string[] = []
  private readonly hold = createHold()

  add(event: AnswerEvent): void {
    switch (event.kind) {
      case 'start':
        this.heading = event
        break
      case 'open':
        this.hold('')
        this.texts.length = 0
        this.parts.push(event.part)
        break
      case 'grow':
        this.hold(event.text)
        this.texts.push(event.text)
        break
      case 'seal':
        this.replace((part) => (part.kind === 'thinking' ? { ...part, seal: event.seal } : part))
        break
      case 'close':
        this.replace((part) => withText(part, this.texts.join('')))
        break
      case 'end':
        this.stop = event.stop
        this.heading = { ...this.heading, usage: event.usage ?? this.heading.usage }
        break
      case 'error':
        break
    }
  }

  /** How many parts there are; the last one may be open. */
  get size(): number {
    return this.parts.length
  }

  get answer(): Answer {
    const { id, model, createdAt, usage, serviceTier } = this.heading
    return { id, model, createdAt, usage, serviceTier, parts: this.parts, stop: this.stop }
  }

  private replace(change: (part: AssistantPart) => AssistantPart): void {
    const last = this.parts.pop()
    if (last) this.parts.push(change(last))
  }
}

function withText(part: AssistantPart, text: string): AssistantPart {
  return part.kind === 'call' ? { ...part, input: text } : { ...part, text }
}
