import { GatewayError } from './domain/errors.ts'
import type { Headers, Sink } from './domain/sink.ts'
import { type Format, FormatError, type StreamContext } from './format/format.ts'
import { StreamTranslator } from './format/stream-translator.ts'
import { translateAnswer, translateError } from './format/translate.ts'

/** More than any answer of a model; one that is whole has to be held to be translated. */
const MAX_BODY_BYTES = 32 * 1024 * 1024
const JSON_HEADERS = { 'content-type': 'application/json' }
const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/** Takes the answer of an upstream that speaks another format than the caller, and passes it on in the caller's. */
export class TranslatedAnswer implements Sink {
  private readonly client: Sink
  private readonly from: Format
  private readonly to: Format
  private readonly context: StreamContext
  private readonly extraHeaders: Headers
  private translator: StreamTranslator | undefined
  private status = 0
  private retryAfter: Headers = {}
  private readonly chunks: Buffer[] = []
  private bytes = 0

  /** `extraHeaders` go with the answer, whatever it is. */
  constructor(client: Sink, from: Format, to: Format, context: StreamContext, extraHeaders: Headers) {
    this.client = client
    this.from = from
    this.to = to
    this.context = context
    this.extraHeaders = extraHeaders
  }

  head(status: number, headers: Headers): void {
    this.status = status
    if (headers['retry-after'] !== undefined) this.retryAfter = { 'retry-after': headers['retry-after'] }
    if (status >= 300 || !String(headers['content-type'] ?? '').startsWith('text/event-stream')) return
    this.translator = new StreamTranslator(this.from, this.to, this.context)
    this.client.head(status, { ...STREAM_HEADERS, ...this.extraHeaders })
  }

  data(chunk: Buffer): boolean {
    if (this.translator) {
      const events = this.translator.push(chunk)
      return events === undefined || this.client.data(events)
    }
    this.chunks.push(chunk)
    this.bytes += chunk.length
    if (this.bytes > MAX_BODY_BYTES) throw new GatewayError('upstream_invalid', { detail: 'too long to be translated' })
    return true
  }

  end(last?: Buffer): void {
    if (last) this.data(last)
    if (this.translator) {
      this.client.end(this.translator.end())
      return
    }
    const text = Buffer.concat(this.chunks).toString('utf8')
    let body: object
    try {
      body = this.status >= 300 ? translateError(this.status, text, this.to) : this.translated(text)
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof SyntaxError)) throw error
      this.client.fail(new GatewayError('upstream_invalid', { detail: `no answer in the format ${this.from}` }))
      return
    }
    this.client.head(this.status, { ...JSON_HEADERS, ...this.retryAfter, ...this.extraHeaders })
    this.client.end(Buffer.from(JSON.stringify(body)))
  }

  fail(error: GatewayError): void {
    this.client.fail(error)
  }

  private translated(text: string): object {
    return translateAnswer(JSON.parse(text), this.from, this.to, this.context).body
  }
}
