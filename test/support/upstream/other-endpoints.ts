import { CREATED_S, json, modelOf } from './answer.ts'
import type { Endpoint } from './answer.ts'
import { nothingServed } from './behaviour.ts'
import type { Settled, Usage } from './behaviour.ts'

/** These endpoints read a prompt and say nothing that is counted. */
function promptOnly({ usage }: Settled): Usage {
  return { ...nothingServed, input: usage.input }
}

/** `usage` in the body, unless the plan is to keep it back. */
function told(plan: Settled, usage: object): object {
  return plan.withoutUsage === true ? {} : { usage }
}

function reported(plan: Settled): { reported: boolean } {
  return { reported: plan.withoutUsage !== true }
}

function vector(format: unknown): unknown {
  const numbers = Float32Array.of(0.5, -0.25, 0.125)
  // The OpenAI SDK asks for base64 when its caller asks for nothing.
  return format === 'base64' ? Buffer.from(numbers.buffer).toString('base64') : Array.from(numbers)
}

export const embeddings: Endpoint = ({ call, plan }) => {
  const input = call.body['input']
  const count = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
  const embedding = vector(call.body['encoding_format'])
  const body = {
    object: 'list',
    data: Array.from({ length: count }, (_, index) => ({ object: 'embedding', index, embedding })),
    model: modelOf(call),
    ...told(plan, { prompt_tokens: plan.usage.input, total_tokens: plan.usage.input }),
  }
  return { ...json(body, promptOnly(plan)), ...reported(plan) }
}

export const moderations: Endpoint = ({ call }) => {
  const result = {
    flagged: false,
    categories: { violence: false },
    category_scores: { violence: 0.001 },
    category_applied_input_types: { violence: ['text'] },
  }
  return json({ id: call.answerId, model: modelOf(call), results: [result] })
}

export const images: Endpoint = ({ plan }) => {
  const { input, output } = plan.usage
  const usage = {
    input_tokens: input,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
    output_tokens: output,
    total_tokens: input + output,
  }
  const picture = { b64_json: Buffer.from('not really a picture').toString('base64') }
  return { ...json({ created: CREATED_S, data: [picture], ...told(plan, usage) }, plan.usage), ...reported(plan) }
}

export const transcriptions: Endpoint = ({ plan }) => {
  const { input, output } = plan.usage
  const usage = {
    type: 'tokens',
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
    total_tokens: input + output,
  }
  return { ...json({ text: plan.text, ...told(plan, usage) }, plan.usage), ...reported(plan) }
}

/** Every value a byte can have, so that whoever takes the sound for text is found out. */
export const speech: Endpoint = () => ({
  ...json(null),
  contentType: 'audio/mpeg',
  body: Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256)),
})

export const rerank: Endpoint = ({ call, plan }) => {
  const documents = Array.isArray(call.body['documents']) ? call.body['documents'] : []
  const results = documents.map((_, index) => ({ index, relevance_score: 1 / (index + 1) }))
  const body = {
    id: call.answerId,
    model: modelOf(call),
    results,
    meta: { billed_units: { search_units: 1 } },
    ...told(plan, { prompt_tokens: plan.usage.input, total_tokens: plan.usage.input }),
  }
  return { ...json(body, promptOnly(plan)), ...reported(plan) }
}

export function openaiModel(id: string) {
  return { id, object: 'model', created: CREATED_S, owned_by: 'fake' }
}

export const openaiModels: Endpoint = ({ models }) => json({ object: 'list', data: models.map(openaiModel) })
