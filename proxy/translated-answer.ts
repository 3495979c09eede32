import { GatewayError } from './domain/errors.ts'
import type { Headers, Sink } from './domain/sink.ts'
import { type Format, FormatError, type StreamContext } from './format/format.ts'
import { bothLost } from './format/losses.ts'
import { StreamTranslator } from './format/stream-translator.ts'
import { translateAnswer, translateError, type Translation } from './format/translate.ts'

/** More than any answer of a model; one that is whole has to be held to be translated. */
const MAX_BODY_BYTES = 32 * 1024 * 1024
/** Says with an answer what of it, and of its request, has no place in the other format. */
const LOST_HEADER = 'x-tollgate-lost'
const JSON_HEADERS = { 'content-type': 'application/json' }
const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/** What an answer, as far as it has come with `last`, comes to in the caller's format. */
export interface Rendered {
  /** Names of what has no place in it, of the request and of the answer. */
  readonly lost: readonly string[]
  /** Why the caller gets none, or not all of it, though one has come. */
  readonly fault: GatewayError | undefined
  /** Whether the caller has been given something already, and with it a status. */
  readonly hasBegun: boolean
}

/** Takes the answer of an upstream that speaks another format than the caller, and passes it on in the caller's. */
export class TranslatedAnswer implements Sink {
  private readonly client: Sink
  private readonly from: Format
  private readonly to: Format
  private readonly context: StreamContext
  private readonly asked: readonly string[]
  private translator: StreamTranslator | undefined
  private status = 0
  private retryAfter: Headers = {}
  private readonly chunks: Buffer[] = []
  private bytes = 0
  private hasBegun = false
  private whole: Translation | GatewayError | undefined

  /** `asked`: the names of what was lost of the request. */
  constructor(client: Sink, from: Format, to: Format, context: StreamContext, asked: readonly string[]) {
    this.client = client
    this.from = from
    this.to = to
    this.context = context
    this.asked = asked
  }

  head(status: number, headers: Headers): void {
    this.status = status
    if (headers['retry-after'] !== undefined) this.retryAfter = { 'retry-after': headers['retry-after'] }
    if (status >= 300 || !String(headers['content-type'] ?? '').startsWith('text/event-stream')) return
    this.translator = new StreamTranslator(this.from, this.to, this.context)
    this.client.head(status, { ...STREAM_HEADERS, ...lostHeader(this.asked) })
  }

  data(chunk: Buffer): boolean {
    if (this.translator) {
      const events = this.translator.push(chunk)
      this.hasBegun ||= events !== undefined
      return events === undefined || this.client.data(events)
    }
    this.chunks.push(chunk)
    this.bytes += chunk.length
    refuseLong(this.bytes)
    return true
  }

  end(last?: Buffer): void {
    if (this.translator) {
      if (last) this.data(last)
      this.client.end(this.translator.end())
      return
    }
    const answer = this.translated(last)
    if (answer instanceof GatewayError) return this.client.fail(answer)
    const lost = lostHeader(bothLost(this.asked, answer.lost))
    this.client.head(this.status, { ...JSON_HEADERS, ...this.retryAfter, ...lost })
    this.client.end(Buffer.from(JSON.stringify(answer.body)))
  }

  fail(error: GatewayError): void {
    this.client.fail(error)
  }

  /** What has come of it by now; `last` is what is still held back. */
  rendered(last: Buffer | undefined): Rendered {
    const { hasBegun } = this
    if (this.translator) {
      const { lost, problem } = this.translator
      const fault = problem && new GatewayError('upstream_invalid', { detail: problem.message })
      return { lost: bothLost(this.asked, lost), fault, hasBegun }
    }
    const answer = this.translated(last)
    if (answer instanceof GatewayError) return { lost: this.asked, fault: answer, hasBegun }
    return { lost: bothLost(this.asked, answer.lost), fault: undefined, hasBegun }
  }

  /** Made once: the ledger asks for it before its end may go out. */
  private translated(last: Buffer | undefined): Translation | GatewayError {
    this.whole ??= this.translate(last ? [...this.chunks, last] : this.chunks)
    return this.whole
  }

  private translate(chunks: readonly Buffer[]): Translation | GatewayError {
    try {
      const body = Buffer.concat(chunks)
      refuseLong(body.length)
      const text = body.toString('utf8')
      if (this.status >= 300) return { body: translateError(this.status, text, this.to), lost: [] }
      return translateAnswer(JSON.parse(text), this.from, this.to, this.context)
    } catch (error) {
      if (error instanceof GatewayError) return error
      if (!(error instanceof FormatError || error instanceof SyntaxError)) throw error
      const message = 'The upstream answered with something that is no answer of its format, and cannot be translated.'
      return new GatewayError('upstream_invalid', { message, detail: `no answer in the format ${this.from}` })
    }
  }
}

function refuseLong(bytes: number): void {
  if (bytes > MAX_BODY_BYTES) throw new GatewayError('upstream_invalid', { detail: 'too long to be translated' })
}

function lostHeader(lost: readonly string[]): Headers {
  return lost.length > 0 ? { [LOST_HEADER]: lost.join(', ') } : {}
}
