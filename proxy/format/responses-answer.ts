import type { Answer, Heading, Stop } from './answer.ts'
import { answerId, coreId } from './answer-id.ts'
import { type AnswerContext, FormatError } from './format.ts'
import { type Json, numberOf, objectOf, objectsOf, textOf } from './json.ts'
import type { Field, Lose } from './losses.ts'
import { type Seal, wrapSeal } from './seal.ts'
import { readOpenaiUsage, RESPONSES_SIDES, writeOpenaiUsage } from './token-usage.ts'
import type { AssistantPart } from './turn.ts'
import { readError } from './upstream-error.ts'

export function readResponsesAnswer(body: Json, lose: Lose): Answer {
  if (body['status'] === 'failed') throw new FormatError(readError(body['error']).message)
  if (!Array.isArray(body['output'])) throw new FormatError('The answer of the upstream is no response.')
  const parts = objectsOf(body['output']).flatMap((item) => readResponsesItem(item, lose))
  const hasCalls = parts.some(({ kind }) => kind === 'call')
  return { ...readResponsesHeading(body), parts, stop: readResponsesStop(body, hasCalls) }
}

export function readResponsesHeading(body: Json): Heading {
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdAt: numberOf(body['created_at']),
    usage: readOpenaiUsage(body['usage'], RESPONSES_SIDES),
    serviceTier: textOf(body['service_tier']),
  }
}

export function readResponsesItem(item: Json, lose: Lose): readonly AssistantPart[] {
  switch (item['type']) {
    case 'message':
      return objectsOf(item['content']).flatMap((part) => readContent(part, lose))
    case 'function_call':
      return [
        {
          kind: 'call',
          id: textOf(item['call_id']) ?? '',
          name: textOf(item['name']) ?? '',
          input: textOf(item['arguments']) ?? '',
        },
      ]
    case 'reasoning':
      return readReasoning(item)
    default:
      lose(`output[].${textOf(item['type']) ?? 'type'}`)
      return []
  }
}

function readContent(part: Json, lose: Lose): readonly AssistantPart[] {
  if (objectsOf(part['annotations']).length > 0) lose('output[].content[].annotations')
  if (objectsOf(part['logprobs']).length > 0) lose('output[].content[].logprobs')
  if (part['type'] === 'refusal') return [{ kind: 'refusal', text: textOf(part['refusal']) ?? '' }]
  return part['type'] === 'output_text' ? [{ kind: 'text', text: textOf(part['text']) ?? '' }] : []
}

/** Models with open thoughts tell them as `content`, OpenAI's a summary; nothing at all is no part. */
function readReasoning(item: Json): readonly AssistantPart[] {
  const summary = textsOf(item['summary']).join('\n\n')
  const text = summary === '' ? textsOf(item['content']).join('\n\n') : summary
  const seal = readResponsesSeal(item)
  return text === '' && seal === undefined ? [] : [{ kind: 'thinking', text, seal }]
}

function textsOf(value: unknown): readonly string[] {
  return objectsOf(value).map((part) => textOf(part['text']) ?? '')
}

export function readResponsesSeal(item: Json): Seal | undefined {
  const value = textOf(item['encrypted_content'])
  return value === undefined ? undefined : { by: 'responses', id: textOf(item['id']) ?? '', value }
}

export function readResponsesStop(body: Json, hasCalls: boolean): Stop {
  const sequence = undefined
  if (body['status'] !== 'incomplete') return { reason: hasCalls ? 'tools' : 'end', sequence }
  const isFiltered = objectOf(body['incomplete_details'])['reason'] === 'content_filter'
  return { reason: isFiltered ? 'refusal' : 'length', sequence }
}

export function writeResponsesAnswer(answer: Answer, context: AnswerContext, lose: (field: Field) => void): Json {
  if (answer.stop.sequence !== undefined) lose('stopSequence')
  const { usage } = answer
  const reason = incompleteReason(answer.stop)
  return {
    ...writeResponsesHead(answer, context),
    status: reason === undefined ? 'completed' : 'incomplete',
    incomplete_details: reason === undefined ? null : { reason },
    output: answer.parts.map((part, index) => writeResponsesItem(part, index, coreId(answer, context))),
    usage: usage ? writeOpenaiUsage(usage, RESPONSES_SIDES) : null,
  }
}

function incompleteReason({ reason }: Stop): string | undefined {
  if (reason === 'refusal') return 'content_filter'
  return reason === 'length' || reason === 'window' ? 'max_output_tokens' : undefined
}

/** A response with nothing in it; of the request's fields, which it would repeat, it tells the usual. */
export function writeResponsesHead(heading: Heading, context: AnswerContext): Json {
  return {
    id: answerId('responses', heading, context),
    object: 'response',
    created_at: heading.createdAt ?? context.createdAt,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: context.model ?? heading.model ?? '',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: heading.serviceTier ?? 'default',
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: null,
  }
}

/** The `index`th output item; `status` is that of a finished one. */
export function writeResponsesItem(part: AssistantPart, index: number, core: string): Json {
  switch (part.kind) {
    case 'text':
    case 'refusal': {
      const id = `msg_${core}_${index}`
      return { id, type: 'message', status: 'completed', role: 'assistant', content: [writeContent(part)] }
    }
    case 'call': {
      const call = { call_id: part.id, name: part.name, arguments: part.input || '{}' }
      return { id: `fc_${core}_${index}`, type: 'function_call', status: 'completed', ...call }
    }
    case 'thinking': {
      const summary = part.text === '' ? [] : [{ type: 'summary_text', text: part.text }]
      const item = { id: `rs_${core}_${index}`, type: 'reasoning', summary }
      return part.seal === undefined ? item : { ...item, encrypted_content: encryptedOf(part.seal) }
    }
  }
}

function encryptedOf(seal: Seal): string {
  return seal.by === 'responses' ? seal.value : wrapSeal(seal)
}

export function writeContent(part: { readonly kind: 'text' | 'refusal'; readonly text: string }): Json {
  return part.kind === 'refusal'
    ? { type: 'refusal', refusal: part.text }
    : { type: 'output_text', text: part.text, annotations: [], logprobs: [] }
}
