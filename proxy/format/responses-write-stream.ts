import { AnswerCollector, type AnswerEvent, type StreamWriter } from './answer.ts'
import { coreId } from './answer-id.ts'
import type { StreamContext } from './format.ts'
import type { Json } from './json.ts'
import type { Field } from './losses.ts'
import { writeContent, writeResponsesAnswer, writeResponsesHead, writeResponsesItem } from './responses-answer.ts'
import { sseEvent } from './sse.ts'
import type { AssistantPart } from './turn.ts'
import { writeErrorEvent } from './upstream-error.ts'

type Event = readonly [type: string, data: Json]

export function createResponsesWriter(context: StreamContext, lose: (field: Field) => void): StreamWriter {
  // The last event repeats the whole answer, so it has to be kept.
  const collector = new AnswerCollector()
  let sequence = 0
  let hasGrown = false

  return (event) => {
    collector.add(event)
    return eventsOf(event)
      .map(([type, data]) => sseEvent(type, { type, ...data, sequence_number: sequence++ }))
      .join('')
  }

  function eventsOf(event: AnswerEvent): readonly Event[] {
    switch (event.kind) {
      case 'start': {
        const response = writeResponsesHead(event, context)
        return [
          ['response.created', { response }],
          ['response.in_progress', { response }],
        ]
      }
      case 'open':
        hasGrown = false
        return opening(event.part, place())
      case 'grow': {
        const begun = hasGrown ? [] : firstGrowth(place())
        hasGrown = true
        return [...begun, growth(place(), event.text)]
      }
      case 'seal':
        return []
      case 'close': {
        const { part } = place()
        return part ? closing(part, place()) : []
      }
      case 'end': {
        const response = writeResponsesAnswer(collector.answer, context, lose)
        return [[response['status'] === 'completed' ? 'response.completed' : 'response.incomplete', { response }]]
      }
      case 'error':
        return [['error', writeErrorEvent(event.error)]]
    }
  }

  /** The part that is open and the item that it is. */
  function place(): Place {
    const { answer, size } = collector
    const part = answer.parts.at(-1)
    const item = part ? writeResponsesItem(part, size - 1, coreId(answer, context)) : {}
    return { part, item, at: { item_id: item['id'], output_index: size - 1 } }
  }
}

interface Place {
  readonly part: AssistantPart | undefined
  readonly item: Json
  readonly at: Json
}

const SUMMARY = { summary_index: 0 }
const CONTENT = { content_index: 0 }

function opening(part: AssistantPart, { item, at }: Place): readonly Event[] {
  const added = (empty: Json): Event => [
    'response.output_item.added',
    { output_index: at['output_index'], item: { ...item, ...empty } },
  ]
  if (part.kind === 'thinking') return [added({})]
  if (part.kind === 'call') return [added({ status: 'in_progress', arguments: '' })]
  return [
    added({ status: 'in_progress', content: [] }),
    ['response.content_part.added', { ...at, ...CONTENT, part: writeContent(part) }],
  ]
}

/** Thoughts may be sealed and have no summary at all: only when one comes it is announced. */
function firstGrowth({ part, at }: Place): readonly Event[] {
  if (part?.kind !== 'thinking') return []
  return [['response.reasoning_summary_part.added', { ...at, ...SUMMARY, part: { type: 'summary_text', text: '' } }]]
}

function growth({ part, at }: Place, delta: string): Event {
  if (part?.kind === 'thinking') return ['response.reasoning_summary_text.delta', { ...at, ...SUMMARY, delta }]
  if (part?.kind === 'call') return ['response.function_call_arguments.delta', { ...at, delta }]
  if (part?.kind === 'refusal') return ['response.refusal.delta', { ...at, ...CONTENT, delta }]
  return ['response.output_text.delta', { ...at, ...CONTENT, delta, logprobs: [] }]
}

function closing(part: AssistantPart, { item, at }: Place): readonly Event[] {
  const done: Event = ['response.output_item.done', { output_index: at['output_index'], item }]
  switch (part.kind) {
    case 'call': {
      const { name, arguments: input } = item
      return [['response.function_call_arguments.done', { ...at, name, arguments: input }], done]
    }
    case 'thinking': {
      if (part.text === '') return [done]
      const { text } = part
      return [
        ['response.reasoning_summary_text.done', { ...at, ...SUMMARY, text }],
        ['response.reasoning_summary_part.done', { ...at, ...SUMMARY, part: { type: 'summary_text', text } }],
        done,
      ]
    }
    case 'text':
    case 'refusal': {
      const whole: Event =
        part.kind === 'refusal'
          ? ['response.refusal.done', { ...at, ...CONTENT, refusal: part.text }]
          : ['response.output_text.done', { ...at, ...CONTENT, text: part.text, logprobs: [] }]
      return [whole, ['response.content_part.done', { ...at, ...CONTENT, part: writeContent(part) }], done]
    }
  }
}
