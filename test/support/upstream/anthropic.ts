import { deltas, json, modelOf, wholeText } from './answer.ts'
import type { Asked, Endpoint, StreamEvent } from './answer.ts'
import { anthropicError } from './provider-error.ts'
import type { Usage } from './behaviour.ts'

function promptUsage({ input, cacheRead, cacheWrite, cacheWrite1h }: Usage) {
  return {
    input_tokens: input,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWrite - cacheWrite1h,
      ephemeral_1h_input_tokens: cacheWrite1h,
    },
    service_tier: 'standard',
  }
}

function outputUsage({ output, reasoning }: Usage) {
  const details = reasoning > 0 ? { output_tokens_details: { thinking_tokens: reasoning } } : {}
  return { output_tokens: output, ...details }
}

function message({ call }: Asked, content: readonly unknown[], stopReason: string | null, usage: unknown) {
  return {
    id: call.answerId,
    type: 'message',
    role: 'assistant',
    model: modelOf(call),
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    ...(usage === undefined ? {} : { usage }),
  }
}

/** The name of an event is the type of its data. */
function event(data: { readonly type: string; readonly [field: string]: unknown }, spent: Usage): StreamEvent {
  return { name: data.type, data, spent }
}

function messageEvents(asked: Asked): StreamEvent[] {
  const { plan } = asked
  const { usage } = plan
  // Anthropic has counted a first token when it starts to speak, and says so.
  const started: Usage = { ...usage, output: Math.min(1, usage.output), reasoning: 0 }
  const startUsage = plan.withoutUsage === true ? undefined : { ...promptUsage(usage), output_tokens: started.output }
  const finalUsage = plan.withoutUsage === true ? {} : { usage: outputUsage(usage) }

  const start = { type: 'message_start', message: message(asked, [], null, startUsage) }
  const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
  const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, ...finalUsage }
  return [
    event(start, started),
    event({ type: 'ping' }, started),
    event(block, started),
    ...deltas(plan).map(({ text, spent }) => {
      const data = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }
      return event(data, { ...spent, output: Math.max(spent.output, started.output) })
    }),
    event({ type: 'content_block_stop', index: 0 }, usage),
    { ...event(delta, usage), reported: plan.withoutUsage !== true },
    { ...event({ type: 'message_stop' }, usage), terminal: true },
  ]
}

export const messages: Endpoint = (asked) => {
  const { call, plan } = asked
  if (call.body['stream'] === true) {
    const failure = { name: 'error', data: anthropicError('overloaded_error', plan.error) }
    return { kind: 'stream', events: messageEvents(asked), failure }
  }
  const usage = { ...promptUsage(plan.usage), ...outputUsage(plan.usage) }
  const told = plan.withoutUsage === true ? undefined : usage
  const answer = json(message(asked, [{ type: 'text', text: wholeText(plan) }], 'end_turn', told), plan.usage)
  return { ...answer, reported: told !== undefined }
}

export const countTokens: Endpoint = ({ plan }) => json({ input_tokens: plan.usage.input })

export function anthropicModel(id: string) {
  return { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' }
}

export const anthropicModels: Endpoint = ({ models }) =>
  json({
    data: models.map(anthropicModel),
    has_more: false,
    first_id: models.at(0) ?? null,
    last_id: models.at(-1) ?? null,
  })
