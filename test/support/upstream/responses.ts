import { CREATED_S, deltas, json, modelOf, wholeText } from './answer.ts'
import type { Asked, Endpoint, StreamAnswer } from './answer.ts'
import { openaiError } from './provider-error.ts'
import type { Usage } from './behaviour.ts'

function responseUsage({ input, cacheRead, cacheWrite, output, reasoning }: Usage) {
  const prompt = input + cacheRead + cacheWrite
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + output,
  }
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function outputItem({ call }: Asked, status: string, content: readonly unknown[]) {
  return { id: `msg_${call.answerId}`, type: 'message', status, role: 'assistant', content }
}

function response({ call }: Asked, status: string, output: readonly unknown[], more: object = {}) {
  return {
    id: call.answerId,
    object: 'response',
    created_at: CREATED_S,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: modelOf(call),
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    user: null,
    usage: null,
    ...more,
  }
}

function failure(asked: Asked): StreamAnswer['failure'] {
  const { message, code, type } = openaiError('server_error', 'server_error', asked.plan.error).error
  const sequence = asked.plan.errorAfter ?? 0
  if (asked.plan.responsesFailure === 'error') {
    return { name: 'error', data: { type: 'error', code, message, param: null, sequence_number: sequence } }
  }
  const failed = response(asked, 'failed', [], { error: { code: code ?? type, message } })
  const data = { type: 'response.failed', response: failed, sequence_number: sequence }
  return { name: 'response.failed', data, terminal: true }
}

function stream(asked: Asked): StreamAnswer {
  const { plan } = asked
  const told = plan.withoutUsage !== true
  const done = outputItem(asked, 'completed', [textPart(plan.text)])
  const usage = told ? { usage: responseUsage(plan.usage) } : {}
  const itemId = done.id
  const item = { output_index: 0, item_id: itemId, content_index: 0 }
  const before: Usage = { ...plan.usage, output: 0, reasoning: 0 }

  const steps: readonly (readonly [type: string, data: object, spent: Usage])[] = [
    ['response.created', { response: response(asked, 'in_progress', []) }, before],
    ['response.in_progress', { response: response(asked, 'in_progress', []) }, before],
    ['response.output_item.added', { output_index: 0, item: outputItem(asked, 'in_progress', []) }, before],
    ['response.content_part.added', { ...item, part: textPart('') }, before],
    ...deltas(plan).map(
      ({ text, spent }) => ['response.output_text.delta', { ...item, delta: text, logprobs: [] }, spent] as const,
    ),
    ['response.output_text.done', { ...item, text: plan.text, logprobs: [] }, plan.usage],
    ['response.content_part.done', { ...item, part: textPart(plan.text) }, plan.usage],
    ['response.output_item.done', { output_index: 0, item: done }, plan.usage],
    ['response.completed', { response: response(asked, 'completed', [done], usage) }, plan.usage],
  ]
  const events = steps.map(([type, data, spent], sequence) => {
    const isLast = type === 'response.completed'
    const numbered = Object.assign({ type, sequence_number: sequence }, data)
    return { name: type, data: numbered, spent, terminal: isLast, reported: isLast && told }
  })
  return { kind: 'stream', events, failure: failure(asked) }
}

export const responses: Endpoint = (asked) => {
  const { call, plan } = asked
  if (call.body['stream'] === true) return stream(asked)
  const told = plan.withoutUsage !== true
  const output = [outputItem(asked, 'completed', [textPart(wholeText(plan))])]
  const body = response(asked, 'completed', output, told ? { usage: responseUsage(plan.usage) } : {})
  return { ...json(body, plan.usage), reported: told }
}
