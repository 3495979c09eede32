import type { Usage } from '../domain/usage.ts'
import { type AnswerEvent, createHold, type Stop, type StreamReader, wholePart } from './answer.ts'
import { readChatHeading, readChatStop, thoughtsOf } from './chat-answer.ts'
import { FormatError } from './format.ts'
import { isObject, type Json, numberOf, objectOf, objectsOf, parseObject, textOf } from './json.ts'
import type { Lose } from './losses.ts'
import { CHAT_SIDES, readOpenaiUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'
import { readError } from './upstream-error.ts'

interface Call {
  readonly kind: 'call'
  readonly id: string
  readonly name: string
  /** As far as it has come. */
  input: string
}

/** Reads the chunks of https://platform.openai.com/docs/api-reference/chat-streaming. */
export class ChatStreamReader implements StreamReader {
  private readonly lose: Lose
  private hasStarted = false
  private hasEnded = false
  private open: AssistantPart['kind'] | undefined
  /** Tool calls by their index and id, and the last one of each index by that; and the index that was named last. */
  private readonly calls = new Map<string, Call>()
  private index = 0
  /** Where a call is open: that one, and those of which pieces have come before its end, in their order. */
  private call: Call | undefined
  private readonly waiting = new Set<Call>()
  private readonly hold = createHold()
  private stop: Stop | undefined
  private usage: Usage | undefined

  constructor(lose: Lose) {
    this.lose = lose
  }

  read(data: string): readonly AnswerEvent[] {
    if (data === '[DONE]') return this.finish()
    const chunk = parseObject(data)
    if (chunk === undefined) throw new FormatError('The upstream sent an event that is no JSON.')
    if (chunk['error'] != null) return [{ kind: 'error', error: readError(chunk) }]
    this.usage = readOpenaiUsage(chunk['usage'], CHAT_SIDES) ?? this.usage
    return [...this.start(chunk), ...objectsOf(chunk['choices']).flatMap((choice) => this.readChoice(choice))]
  }

  /** Not every server sends [DONE]; one that told its reason to stop and the usage was done. */
  end(): readonly AnswerEvent[] {
    return this.stop && this.usage ? this.finish() : []
  }

  private start(chunk: Json): readonly AnswerEvent[] {
    if (this.hasStarted) return []
    this.hasStarted = true
    return [{ kind: 'start', ...readChatHeading(chunk), usage: undefined }]
  }

  private readChoice(choice: Json): readonly AnswerEvent[] {
    if ((numberOf(choice['index']) ?? 0) > 0) {
      this.lose('choices[]')
      return []
    }
    if (isObject(choice['logprobs'])) this.lose('choices[].logprobs')
    const delta = objectOf(choice['delta'])
    const events = [
      ...this.grow('thinking', thoughtsOf(delta)),
      ...this.grow('text', textOf(delta['content'])),
      ...this.grow('refusal', textOf(delta['refusal'])),
      ...objectsOf(delta['tool_calls']).flatMap((call) => this.readCall(call)),
    ]
    if (choice['finish_reason'] == null) return events
    this.stop = readChatStop(choice['finish_reason'], this.calls.size > 0)
    return [...events, ...this.close()]
  }

  private grow(kind: 'text' | 'refusal' | 'thinking', text: string | undefined): readonly AnswerEvent[] {
    if (text === undefined || text === '') return []
    const grown: AnswerEvent = { kind: 'grow', text }
    if (this.open === kind) return [grown]
    const part: AssistantPart = kind === 'thinking' ? { kind, text: '', seal: undefined } : { kind, text: '' }
    return [...this.begin(part), grown]
  }

  /** A new index or a new id is a new call; some servers tell only one of them. */
  private readCall(piece: Json): readonly AnswerEvent[] {
    const called = objectOf(piece['function'])
    const text = textOf(called['arguments']) ?? ''
    this.hold(text)
    this.index = numberOf(piece['index']) ?? this.index
    const id = textOf(piece['id']) ?? ''
    const known = this.calls.get(id === '' ? `${this.index}` : `${this.index} ${id}`)
    const call: Call = known ?? { kind: 'call', id, name: textOf(called['name']) ?? '', input: text }
    this.calls.set(`${this.index}`, call).set(`${this.index} ${id}`, call)
    if (known === undefined) return this.beginCall(call)
    known.input += text
    if (text === '' || this.waiting.has(known)) return []
    if (known !== this.call) throw new FormatError('The upstream sent a piece of a tool call that is not open.')
    return [{ kind: 'grow', text }]
  }

  /** Servers may send the pieces of several calls in turns: while one is not whole, those behind it wait for its end. */
  private beginCall(call: Call): readonly AnswerEvent[] {
    if (this.call !== undefined && (this.waiting.size > 0 || !isWhole(this.call.input))) {
      this.waiting.add(call)
      return []
    }
    const begun = this.begin({ ...call, input: '' })
    this.call = call
    return call.input === '' ? begun : [...begun, { kind: 'grow', text: call.input }]
  }

  private begin(part: AssistantPart): readonly AnswerEvent[] {
    const closed = this.close()
    this.open = part.kind
    return [...closed, { kind: 'open', part }]
  }

  private close(): readonly AnswerEvent[] {
    if (this.open === undefined) return []
    this.open = undefined
    this.call = undefined
    const waited = [...this.waiting].flatMap(wholePart)
    this.waiting.clear()
    return [{ kind: 'close' }, ...waited]
  }

  private finish(): readonly AnswerEvent[] {
    if (this.hasEnded || this.stop === undefined) return []
    this.hasEnded = true
    return [{ kind: 'end', stop: this.stop, usage: this.usage }]
  }
}

function isWhole(input: string): boolean {
  try {
    JSON.parse(input)
    return true
  } catch {
    return false
  }
}
