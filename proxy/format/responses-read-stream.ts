import { type AnswerEvent, type StreamReader, wholePart } from './answer.ts'
import { FormatError } from './format.ts'
import { type Json, numberOf, objectOf, parseObject, textOf } from './json.ts'
import type { Lose } from './losses.ts'
import { readResponsesHeading, readResponsesItem, readResponsesSeal, readResponsesStop } from './responses-answer.ts'
import type { AssistantPart } from './turn.ts'
import { readError } from './upstream-error.ts'

/** Reads the events of https://platform.openai.com/docs/api-reference/responses-streaming. */
export class ResponsesStreamReader implements StreamReader {
  private readonly lose: Lose
  private hasStarted = false
  private hasCalls = false
  /** The output item that is open; items come one after the other. */
  private item: { readonly index: unknown; hasParts: boolean } | undefined
  private open: AssistantPart['kind'] | undefined
  private hasGrown = false

  constructor(lose: Lose) {
    this.lose = lose
  }

  read(data: string): readonly AnswerEvent[] {
    const event = parseObject(data)
    if (event === undefined) throw new FormatError('The upstream sent an event that is no JSON.')
    const response = objectOf(event['response'])
    switch (event['type']) {
      case 'response.created':
      case 'response.in_progress':
        return this.start(response)
      case 'response.completed':
      case 'response.incomplete':
        return [...this.start(response), ...this.close(), this.finish(response)]
      case 'response.failed':
        return [{ kind: 'error', error: readError(response['error']) }]
      case 'error':
        return [{ kind: 'error', error: readError(event) }]
      case 'response.output_item.added':
        return this.readItem(event)
      case 'response.output_item.done':
        return this.readItemEnd(event)
      case 'response.output_text.annotation.added':
        this.lose('output[].content[].annotations')
        return []
      default:
        return this.item === undefined ? [] : this.readPiece(event)
    }
  }

  end(): readonly AnswerEvent[] {
    return []
  }

  private start(response: Json): readonly AnswerEvent[] {
    if (this.hasStarted) return []
    this.hasStarted = true
    return [{ kind: 'start', ...readResponsesHeading(response), usage: undefined }]
  }

  private finish(response: Json): AnswerEvent {
    const { usage } = readResponsesHeading(response)
    return { kind: 'end', stop: readResponsesStop(response, this.hasCalls), usage }
  }

  private readItem(event: Json): readonly AnswerEvent[] {
    if (this.item) throw new FormatError('The upstream began an item inside of another one.')
    this.item = { index: event['output_index'], hasParts: false }
    const [part] = readResponsesItem(objectOf(event['item']), this.lose)
    const started = this.start({})
    if (part?.kind !== 'call') return started
    this.hasCalls = true
    return [...started, ...this.begin({ ...part, input: '' })]
  }

  private readPiece(event: Json): readonly AnswerEvent[] {
    const index = event['output_index'] ?? this.item?.index // a keepalive has none
    if (index !== this.item?.index) {
      throw new FormatError('The upstream sent a piece of an item that is not open.')
    }
    const delta = textOf(event['delta']) ?? ''
    switch (event['type']) {
      case 'response.output_text.delta':
        return this.grow({ kind: 'text', text: '' }, delta)
      case 'response.refusal.delta':
        return this.grow({ kind: 'refusal', text: '' }, delta)
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.grow({ kind: 'thinking', text: '', seal: undefined }, delta)
      case 'response.reasoning_summary_part.added':
        return (numberOf(event['summary_index']) ?? 0) > 0 && this.open ? [{ kind: 'grow', text: '\n\n' }] : []
      case 'response.function_call_arguments.delta':
        return this.open === 'call' ? this.growOpen(delta) : []
      case 'response.content_part.done':
        return this.open === 'thinking' ? [] : this.close() // their seal comes with the end of the item
      default:
        return []
    }
  }

  /** The finished item tells what its pieces did not: the encrypted thoughts, or everything where no pieces came. */
  private readItemEnd(event: Json): readonly AnswerEvent[] {
    const item = objectOf(event['item'])
    const begun = this.item === undefined ? this.readItem(event) : []
    const hasParts = this.item?.hasParts === true
    this.item = undefined
    if (this.open === 'call') {
      const rest = this.hasGrown ? '' : (textOf(item['arguments']) ?? '')
      return [...begun, ...this.growOpen(rest), ...this.close()]
    }
    if (!hasParts) return [...begun, ...readResponsesItem(item, this.lose).flatMap(wholePart)]
    const seal = this.open === 'thinking' ? readResponsesSeal(item) : undefined
    return [...(seal ? [{ kind: 'seal' as const, seal }] : []), ...this.close()]
  }

  private grow(part: AssistantPart, text: string): readonly AnswerEvent[] {
    return text === '' || this.open === part.kind ? this.growOpen(text) : [...this.begin(part), ...this.growOpen(text)]
  }

  private growOpen(text: string): readonly AnswerEvent[] {
    if (text === '') return []
    this.hasGrown = true
    return [{ kind: 'grow', text }]
  }

  private begin(part: AssistantPart): readonly AnswerEvent[] {
    const closed = this.close()
    if (this.item) this.item.hasParts = true
    this.open = part.kind
    this.hasGrown = false
    return [...closed, { kind: 'open', part }]
  }

  private close(): readonly AnswerEvent[] {
    if (this.open === undefined) return []
    this.open = undefined
    return [{ kind: 'close' }]
  }
}
