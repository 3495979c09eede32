import type { AnswerEvent, StreamWriter } from './answer.ts'
import { writeChatHead, writeChatStop } from './chat-answer.ts'
import type { StreamContext } from './format.ts'
import type { Json } from './json.ts'
import type { Field } from './losses.ts'
import { sseEvent } from './sse.ts'
import { CHAT_SIDES, writeOpenaiUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'
import { writeErrorBody } from './upstream-error.ts'

export function createChatWriter(context: StreamContext, lose: (field: Field) => void): StreamWriter {
  let head: Json = {}
  let open: AssistantPart['kind'] | undefined
  let callCount = 0
  let hasGrown = false
  return (event) =>
    dataOf(event)
      .map((data) => sseEvent(undefined, data))
      .join('')

  function chunk(delta: Json, finishReason: string | null = null): Json {
    const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason }
    return { ...head, choices: [choice], ...(context.wantsUsage ? { usage: null } : {}) }
  }

  function dataOf(event: AnswerEvent): readonly (Json | string)[] {
    switch (event.kind) {
      case 'start':
        head = { ...writeChatHead(event, context), object: 'chat.completion.chunk' }
        return [chunk({ role: 'assistant', content: '', refusal: null })]
      case 'open':
        open = event.part.kind
        hasGrown = false
        if (event.part.kind === 'thinking' && event.part.seal) lose('seal')
        return event.part.kind === 'call' ? [chunk(callStart(event.part, callCount++))] : []
      case 'grow':
        hasGrown = true
        return [chunk(growth(open, event.text, callCount - 1))]
      case 'seal':
        lose('seal')
        return []
      case 'close': // arguments that are no JSON would fail in the caller
        return open === 'call' && !hasGrown ? [chunk(growth(open, '{}', callCount - 1))] : []
      case 'end': {
        if (event.stop.sequence !== undefined) lose('stopSequence')
        const { usage } = event
        const isTold = context.wantsUsage && usage !== undefined
        const last = isTold ? [{ ...head, choices: [], usage: writeOpenaiUsage(usage, CHAT_SIDES) }] : []
        return [chunk({}, writeChatStop(event.stop)), ...last, '[DONE]']
      }
      case 'error':
        return [writeErrorBody(event.error, 'chat')]
    }
  }
}

function callStart({ id, name }: { readonly id: string; readonly name: string }, index: number): Json {
  return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }
}

function growth(kind: AssistantPart['kind'] | undefined, text: string, index: number): Json {
  if (kind === 'call') return { tool_calls: [{ index, function: { arguments: text } }] }
  if (kind === 'thinking') return { reasoning_content: text }
  return kind === 'refusal' ? { refusal: text } : { content: text }
}
