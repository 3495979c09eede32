import type { AnswerEvent, StreamWriter } from './answer.ts'
import type { StreamContext } from './format.ts'
import type { Json } from './json.ts'
import type { Field } from './losses.ts'
import { signatureOf, writeMessagesBlock, writeMessagesHead, writeMessagesStop } from './messages-answer.ts'
import { sseEvent } from './sse.ts'
import { writeMessagesUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'
import { writeErrorBody } from './upstream-error.ts'

export function createMessagesWriter(context: StreamContext, lose: (field: Field) => void): StreamWriter {
  const kinds: { readonly kind: AssistantPart['kind'] }[] = []
  return (event) =>
    eventsOf(event)
      .map((data) => sseEvent(String(data['type']), data))
      .join('')

  function eventsOf(event: AnswerEvent): readonly Json[] {
    const index = kinds.length - 1
    switch (event.kind) {
      case 'start':
        return [{ type: 'message_start', message: writeMessagesHead(event, context) }]
      case 'open':
        kinds.push({ kind: event.part.kind })
        return [{ type: 'content_block_start', index: index + 1, content_block: writeMessagesBlock(event.part, lose) }]
      case 'grow':
        return [{ type: 'content_block_delta', index, delta: deltaOf(kinds.at(-1)?.kind, event.text) }]
      case 'seal':
        return [
          {
            type: 'content_block_delta',
            index,
            delta: { type: 'signature_delta', signature: signatureOf(event.seal) },
          },
        ]
      case 'close':
        return [{ type: 'content_block_stop', index }]
      case 'end': {
        const delta = { ...writeMessagesStop(event.stop, kinds), stop_details: null, container: null }
        return [{ type: 'message_delta', delta, usage: writeMessagesUsage(event.usage) }, { type: 'message_stop' }]
      }
      case 'error':
        return [writeErrorBody(event.error, 'messages')]
    }
  }
}

function deltaOf(kind: AssistantPart['kind'] | undefined, text: string): Json {
  if (kind === 'call') return { type: 'input_json_delta', partial_json: text }
  return kind === 'thinking' ? { type: 'thinking_delta', thinking: text } : { type: 'text_delta', text }
}
