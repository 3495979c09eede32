import type { Usage } from '../domain/usage.ts'
import type { AnswerEvent, Stop, StreamReader } from './answer.ts'
import { FormatError } from './format.ts'
import { type Json, objectOf, parseObject, textOf } from './json.ts'
import type { Lose } from './losses.ts'
import { readMessagesBlock, readMessagesStop, readMessagesTier } from './messages-answer.ts'
import { readMessagesUsage } from './token-usage.ts'
import { readError } from './upstream-error.ts'

interface OpenBlock {
  readonly index: unknown
  /** False for a block that has no place elsewhere. */
  readonly isCarried: boolean
  /** What it began with, as long as nothing else has come. */
  rest: string
}

/** Reads the events of https://docs.claude.com/en/docs/build-with-claude/streaming. */
export class MessagesStreamReader implements StreamReader {
  private readonly lose: Lose
  private usage: Usage | undefined
  private stop: Stop = { reason: 'end', sequence: undefined }
  private open: OpenBlock | undefined

  constructor(lose: Lose) {
    this.lose = lose
  }

  read(data: string): readonly AnswerEvent[] {
    const event = parseObject(data)
    if (event === undefined) throw new FormatError('The upstream sent an event that is no JSON.')
    switch (event['type']) {
      case 'message_start':
        return [this.readStart(objectOf(event['message']))]
      case 'content_block_start':
        return this.readOpen(event)
      case 'content_block_delta':
        return this.readDelta(event)
      case 'content_block_stop':
        this.openBlock(event)
        return this.close()
      case 'message_delta':
        this.stop = readMessagesStop(objectOf(event['delta']), this.lose)
        this.usage = readMessagesUsage(event['usage'], this.usage)
        return []
      case 'message_stop':
        return [...this.close(), { kind: 'end', stop: this.stop, usage: this.usage }]
      case 'error':
        return [{ kind: 'error', error: readError(event) }]
      default:
        return []
    }
  }

  end(): readonly AnswerEvent[] {
    return []
  }

  private readStart(message: Json): AnswerEvent {
    this.usage = readMessagesUsage(message['usage'], undefined)
    const serviceTier = readMessagesTier(objectOf(message['usage']))
    const { usage } = this
    return {
      kind: 'start',
      id: textOf(message['id']),
      model: textOf(message['model']),
      createdAt: undefined,
      usage,
      serviceTier,
    }
  }

  /** What a block begins with is repeated as growth, but for a tool's input: that begins as `{}` and comes as text. */
  private readOpen(event: Json): readonly AnswerEvent[] {
    const part = readMessagesBlock(objectOf(event['content_block']), this.lose)
    if (this.open) throw new FormatError('The upstream began a block inside of another one.')
    this.open = { index: event['index'], isCarried: part !== undefined, rest: '' }
    if (part === undefined) return []
    if (part.kind === 'call') {
      if (part.input !== '{}') this.open.rest = part.input
      return [{ kind: 'open', part: { ...part, input: '' } }]
    }
    const opened: AnswerEvent = { kind: 'open', part: { ...part, text: '' } }
    return part.text === '' ? [opened] : [opened, { kind: 'grow', text: part.text }]
  }

  private readDelta(event: Json): readonly AnswerEvent[] {
    const open = this.openBlock(event)
    const delta = objectOf(event['delta'])
    if (!open.isCarried) return []
    if (delta['type'] === 'citations_delta') this.lose('content[].citations')
    const signature = textOf(delta['signature'])
    if (signature !== undefined)
      return [{ kind: 'seal', seal: { by: 'messages', isRedacted: false, value: signature } }]
    const text = textOf(delta['text']) ?? textOf(delta['partial_json']) ?? textOf(delta['thinking']) ?? ''
    if (text === '') return []
    open.rest = ''
    return [{ kind: 'grow', text }]
  }

  private close(): readonly AnswerEvent[] {
    const { isCarried = false, rest = '' } = this.open ?? {}
    this.open = undefined
    if (!isCarried) return []
    return rest === '' ? [{ kind: 'close' }] : [{ kind: 'grow', text: rest }, { kind: 'close' }]
  }

  private openBlock(event: Json): OpenBlock {
    if (this.open === undefined || this.open.index !== event['index']) {
      throw new FormatError('The upstream sent a piece of a block that is not open.')
    }
    return this.open
  }
}
