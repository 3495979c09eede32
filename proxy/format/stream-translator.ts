import type { AnswerEvent, StreamReader, StreamWriter } from './answer.ts'
import { codecs } from './codec.ts'
import { type Format, FormatError, type StreamContext } from './format.ts'
import { createLosses } from './losses.ts'
import { SseSplitter } from './sse.ts'
import { namedFor } from './translate.ts'

const BLANK_LINE = Buffer.from('\n\n')

/**
 * Turns an upstream's event stream into the caller's, chunk by chunk; chunks may be cut anywhere, and only whole events
 * come out. An error of the upstream, or a stream that cannot be read, becomes the caller's error event and the end.
 * A stream that breaks off is not given an end.
 */
export class StreamTranslator {
  private readonly splitter = new SseSplitter()
  private readonly reader: StreamReader
  private readonly write: StreamWriter
  private readonly losses = createLosses()
  private hasStarted = false
  private hasEnded = false
  private fault: FormatError | undefined

  constructor(from: Format, to: Format, context: StreamContext) {
    this.reader = codecs[from].createReader(this.losses.lose)
    this.write = codecs[to].createWriter(context, namedFor(from, this.losses.lose))
  }

  /** The names of what has not been carried so far. */
  get lost(): readonly string[] {
    return this.losses.names()
  }

  /** Why nothing more can be said of what goes on; the caller has been told. */
  get problem(): FormatError | undefined {
    return this.fault
  }

  push(chunk: Buffer): Buffer | undefined {
    const texts: string[] = []
    const problem = collect(this.translated(chunk), texts)
    if (problem) {
      this.fault = problem
      this.hasEnded = true
      texts.push(this.write({ kind: 'error', error: { kind: 'server', message: problem.message, code: undefined } }))
    }
    return bytesOf(texts)
  }

  /** The connection has ended. An upstream may forget the last blank line; half an event is none. */
  end(): Buffer | undefined {
    const texts: string[] = []
    if (collect(this.translated(BLANK_LINE), texts) === undefined) collect(this.written(this.reader.end()), texts)
    return bytesOf(texts)
  }

  private *translated(chunk: Buffer): Generator<string> {
    if (this.hasEnded) return
    for (const data of this.splitter.push(chunk)) {
      yield* this.written(this.reader.read(data))
      if (this.hasEnded) return
    }
  }

  private *written(events: readonly AnswerEvent[]): Generator<string> {
    for (const event of events) {
      if (this.hasEnded) return
      this.hasStarted ||= event.kind === 'start'
      this.hasEnded = event.kind === 'end' || event.kind === 'error'
      if (!this.hasStarted && event.kind !== 'error')
        throw new FormatError('The upstream sent a stream without its start.')
      yield this.write(event)
    }
  }
}

/** Takes the texts up to the first that cannot be made, and answers why it cannot. */
function collect(texts: Iterable<string>, into: string[]): FormatError | undefined {
  try {
    for (const text of texts) into.push(text)
    return undefined
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
}

function bytesOf(texts: readonly string[]): Buffer | undefined {
  const text = texts.join('')
  return text === '' ? undefined : Buffer.from(text)
}
