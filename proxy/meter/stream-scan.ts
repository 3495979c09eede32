import type { Protocol } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Usage } from '../domain/usage.ts'
import type { Finding, Scan } from './scan.ts'
import { dataOf, EventJoiner, eventsOf } from './sse.ts'
import { usageOf } from './usage-of.ts'

/** Larger than any event of a provider (an image in base64 is a few MB); what is longer is not an event stream. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024
const USAGE = Buffer.from('"usage"')
const USAGE_NULL = Buffer.from(',"usage":null')
const ERROR = Buffer.from('"error"')
const OPENING_BRACE = 0x7b
const COLON = 0x3a
const SPACE = 0x20

/** What the terminal events of a protocol have in their bytes. */
const terminals: Readonly<Record<Protocol, readonly Buffer[]>> = {
  messages: [Buffer.from('message_stop')],
  chat: [Buffer.from('[DONE]')],
  completions: [Buffer.from('[DONE]')],
  responses: ['response.completed', 'response.incomplete', 'response.failed'].map((type) => Buffer.from(type)),
  opaque: [],
}

interface EventJson {
  readonly type?: unknown
  readonly usage?: unknown
  readonly choices?: unknown
  readonly error?: unknown
  readonly message?: { readonly usage?: unknown }
  readonly response?: { readonly usage?: unknown; readonly error?: unknown }
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

  constructor(protocol: Protocol, hidesUsage: boolean) {
    this.protocol = protocol
    this.hidesUsage = hidesUsage
  }

  push(chunk: Buffer): Buffer | undefined {
    const complete = this.joiner.push(chunk)
    if (this.joiner.heldBytes > MAX_EVENT_BYTES) throw new GatewayError('upstream_broken', { detail: 'endless event' })
    if (complete === undefined || !this.isTelling(complete)) return complete
    return this.readEvents(complete)
  }

  rest(): Buffer | undefined {
    const rest = this.joiner.rest()
    if (rest) this.held.push(rest)
    return this.held.length === 0 ? undefined : Buffer.concat(this.held)
  }

  find(): Finding {
    const rest = this.hasEnded ? undefined : this.joiner.rest()
    if (rest) this.read(rest) // an upstream that forgot the last blank line
    const { usage, isFinal, error } = this
    // Not every server that speaks OpenAI's dialect sends [DONE]; one that told the usage was done.
    return { usage, isFinal, isWhole: this.hasEnded || isFinal || this.protocol === 'opaque', error }
  }

  private isTelling(bytes: Buffer): boolean {
    return (
      bytes.includes(USAGE) ||
      bytes.includes(ERROR) ||
      terminals[this.protocol].some((terminal) => bytes.includes(terminal))
    )
  }

  /** Answers what may pass: everything before the terminal event, without what is hidden. */
  private readEvents(complete: Buffer): Buffer | undefined {
    const pieces: Buffer[] = []
    let from = 0 // of the stretch that passes unchanged
    let at = 0
    for (const event of eventsOf(complete)) {
      const passes = this.isTelling(event) ? this.read(event) : event
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
    if (
      !hasUsageObject(event) &&
      !event.includes(ERROR) &&
      !terminals[this.protocol].some((end) => event.includes(end))
    ) {
      return this.hidesUsage ? without(event, USAGE_NULL) : event
    }
    const data = dataOf(event)
    if (data === '[DONE]') this.hasEnded = true
    const json = data === undefined ? undefined : parse(data)
    if (json === undefined) return event
    this.learn(json)
    const isUsageChunk = this.hidesUsage && this.isFinal && Array.isArray(json.choices) && json.choices.length === 0
    return isUsageChunk ? undefined : event
  }

  private learn(json: EventJson): void {
    const usage = json.usage ?? json.message?.usage ?? json.response?.usage
    const found = usageOf(usage, this.protocol, this.usage)
    if (found) {
      this.usage = found
      // Anthropic's first event tells the input and a beginning of the output; all others tell everything.
      this.isFinal = json.type !== 'message_start'
    }
    const error = json.error ?? json.response?.error ?? (json.type === 'error' ? json : undefined)
    if (error) this.error = typeOf(error)
    this.hasEnded ||= isTerminal(json.type) || Boolean(error)
  }
}

function isTerminal(type: unknown): boolean {
  return (
    type === 'message_stop' ||
    type === 'response.completed' ||
    type === 'response.incomplete' ||
    type === 'response.failed'
  )
}

/** `"usage":{` rather than the `"usage":null` that OpenAI puts into every chunk. */
function hasUsageObject(event: Buffer): boolean {
  for (let at = event.indexOf(USAGE); at !== -1; at = event.indexOf(USAGE, at + 1)) {
    let next = at + USAGE.length
    while (event[next] === COLON || event[next] === SPACE) next++
    if (event[next] === OPENING_BRACE) return true
  }
  return false
}

function without(event: Buffer, part: Buffer): Buffer {
  const at = event.indexOf(part)
  return at === -1 ? event : Buffer.concat([event.subarray(0, at), event.subarray(at + part.length)])
}

function typeOf(error: unknown): string {
  const { type, code } = error as { readonly type?: unknown; readonly code?: unknown } // safe: both may be absent
  const named = [code, type].find((value) => typeof value === 'string')
  return typeof named === 'string' ? named.slice(0, 100) : 'error'
}

function parse(data: string): EventJson | undefined {
  try {
    const json: unknown = JSON.parse(data)
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    return undefined
  }
}
