import type { Usage } from '../domain/usage.ts'
import type { AnswerEvent, Stop, StreamReader } from './answer.ts'
import { readChatHeading, readChatStop, thoughtsOf } from './chat-answer.ts'
import { FormatError } from './format.ts'
import { isObject, type Json, numberOf, objectOf, objectsOf, parseObject, textOf } from './json.ts'
import type { Lose } from './losses.ts'
import { CHAT_SIDES, readOpenaiUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'
import { readError } from './upstream-error.ts'

/** Reads the chunks of https://platform.openai.com/docs/api-reference/chat-streaming. */
export class ChatStreamReader implements StreamReader {
  private readonly lose: Lose
  private hasStarted = false
  private hasEnded = false
  private open: AssistantPart['kind'] | undefined
  /** The tool call that is open or was the last one; calls come one after the other. */
  private call: { readonly index: number; readonly id: string } | undefined
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
    this.stop = readChatStop(choice['finish_reason'], this.call !== undefined)
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
  private readCall(call: Json): readonly AnswerEvent[] {
    const called = objectOf(call['function'])
    const index = numberOf(call['index']) ?? this.call?.index ?? 0
    const id = textOf(call['id']) || (index === this.call?.index ? this.call.id : '')
    const isSame = this.call !== undefined && index === this.call.index && id === this.call.id
    if (isSame ? this.open !== 'call' : this.call !== undefined && index < this.call.index) {
      throw new FormatError('The upstream sent a piece of a tool call that is not open.')
    }
    const begun = isSame ? [] : this.begin({ kind: 'call', id, name: textOf(called['name']) ?? '', input: '' })
    this.call = { index, id }
    const text = textOf(called['arguments']) ?? ''
    return text === '' ? begun : [...begun, { kind: 'grow', text }]
  }

  private begin(part: AssistantPart): readonly AnswerEvent[] {
    const closed = this.close()
    this.open = part.kind
    return [...closed, { kind: 'open', part }]
  }

  private close(): readonly AnswerEvent[] {
    if (this.open === undefined) return []
    this.open = undefined
    return [{ kind: 'close' }]
  }

  private finish(): readonly AnswerEvent[] {
    if (this.hasEnded || this.stop === undefined) return []
    this.hasEnded = true
    return [{ kind: 'end', stop: this.stop, usage: this.usage }]
  }
}
