import type { Protocol } from '../domain/endpoint.ts'
import { NOTHING_TOLD } from '../domain/entry.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Usage } from '../domain/usage.ts'
import { errorTypeOf } from './error-type.ts'
import { type Json, parseObject, usageIn } from './json.ts'
import type { Finding, Scan } from './scan.ts'
import { dataOf, EventJoiner, eventsOf } from './sse.ts'
import { toldOf } from './told.ts'
import { usageOf } from './usage-of.ts'

/** Larger than any event of a provider (an image in base64 is a few MB); what is longer is not an event stream. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024
const USAGE_NULL = /,\s*"usage"\s*:\s*null/g

/**
 * What events that tell of usage, of an error or of the end have in their bytes: a usage that is an object, rather than
 * the `"usage":null` that OpenAI puts into every chunk. One expression over the bytes as Latin-1 costs a third of three
 * searches, and every chunk of every stream pays for it.
 */
const telling: Readonly<Record<Protocol, RegExp>> = {
  messages: /"usage"\s*:\s*\{|"error"|message_stop/,
  chat: /"usage"\s*:\s*\{|"error"|\[DONE\]/,
  completions: /"usage"\s*:\s*\{|"error"|\[DONE\]/,
  responses: /"error"|response\.(?:completed|incomplete|failed)/,
  opaque: /"usage"\s*:\s*\{|"error"/,
}

/**
 * Passes an event stream on, whole events at a time, and parses only events that tell of usage, of an error or of the
 * end. A false alarm (a model that writes `[DONE]`) costs a parse and nothing else.
 */
export class StreamScan implements Scan {
  hasEnded = false
  private readonly protocol: Protocol
  private readonly hidesUsage: boolean
  private readonly joiner = new EventJoiner()
  private readonly held: Buffer[] = []
  private usage: Usage | undefined
  private isFinal = false
  private error: string | undefined
  private told = NOTHING_TOLD

  constructor(protocol: Protocol, hidesUsage: boolean) {
    this.protocol = protocol
    this.hidesUsage = hidesUsage
  }

  push(chunk: Buffer): Buffer | undefined {
    const complete = this.joiner.push(chunk)
    if (this.joiner.heldBytes > MAX_EVENT_BYTES) throw new GatewayError('upstream_broken', { detail: 'endless event' })
    if (complete === undefined) return undefined
    return this.isTelling(complete) ? this.readEvents(complete) : this.quiet(complete)
  }

  rest(): Buffer | undefined {
    return this.held.length === 0 ? undefined : Buffer.concat(this.held)
  }

  find(isBroken: boolean): Finding {
    const last = this.joiner.rest() // an upstream may forget the last blank line
    const passes = last === undefined || this.hasEnded ? last : this.read(last)
    const { usage, hasEnded, error, told } = this
    // An upstream that repeats its usage with every chunk has told everything when the stream has ended.
    const isFinal = usage !== undefined && (this.isFinal || (hasEnded && error === undefined && isChat(this.protocol)))
    // Not every server that speaks OpenAI's dialect sends [DONE]; one that told the final usage was done.
    const isWhole = hasEnded || isFinal || this.protocol === 'opaque'
    // Half an event is none: the error that comes behind it would be read as its continuation.
    if (passes && isWhole && !isBroken) this.held.push(passes)
    return { usage, isFinal, isWhole, error, told }
  }

  private isTelling(bytes: Buffer): boolean {
    return telling[this.protocol].test(bytes.toString('latin1'))
  }

  /** Events that tell nothing, as the client would have got them had we not asked for usage. */
  private quiet(bytes: Buffer): Buffer {
    return this.hidesUsage ? withoutNull(bytes) : bytes
  }

  /** Answers what may pass: everything before the terminal event, without what is hidden. */
  private readEvents(complete: Buffer): Buffer | undefined {
    const pieces: Buffer[] = []
    let from = 0 // of the stretch that passes unchanged
    let at = 0
    for (const event of eventsOf(complete)) {
      const passes = this.isTelling(event) ? this.read(event) : this.quiet(event)
      if (this.hasEnded) break
      if (passes !== event) {
        if (from < at) pieces.push(complete.subarray(from, at))
        if (passes) pieces.push(passes)
        from = at + event.length
      }
      at += event.length
    }
    if (this.hasEnded) this.held.push(complete.subarray(at))
    if (from < at) pieces.push(complete.subarray(from, at))
    return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0]
  }

  /** Learns from one event, and answers what of it may pass. */
  private read(event: Buffer): Buffer | undefined {
    const data = dataOf(event)
    if (data === '[DONE]') this.hasEnded = true
    const json = data === undefined ? undefined : parseObject(data)
    if (json === undefined) return event
    this.learn(json)
    const { choices } = json
    const isUsageChunk = this.hidesUsage && this.isFinal && Array.isArray(choices) && choices.length === 0
    if (isUsageChunk) return undefined
    return this.hidesUsage ? withoutNull(event) : event
  }

  private learn(json: Json): void {
    this.told = toldOf(json, this.told)
    const found = usageOf(usageIn(json), this.protocol, this.usage)
    if (found) {
      this.usage = found
      this.isFinal = isFinalUsage(json)
    }
    this.error = errorTypeOf(json) ?? this.error
    this.hasEnded ||= isTerminal(json['type']) || this.error !== undefined
  }
}

/** Anthropic's first event tells a beginning of the output; some servers tell the usage so far in every chunk of a chat. */
function isFinalUsage({ type, choices }: Json): boolean {
  if (!Array.isArray(choices) || choices.length === 0) return type !== 'message_start'
  return choices.some((choice: { readonly finish_reason?: unknown }) => choice.finish_reason != null)
}

function isChat(protocol: Protocol): boolean {
  return protocol === 'chat' || protocol === 'completions'
}

function isTerminal(type: unknown): boolean {
  return (
    type === 'message_stop' ||
    type === 'response.completed' ||
    type === 'response.incomplete' ||
    type === 'response.failed'
  )
}

/** Through Latin-1 and back every byte stays what it was; inside a string the quote would have a backslash before it. */
function withoutNull(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(USAGE_NULL, ''), 'latin1')
}
