import { CREATED_S, deltas, json, modelOf, wholeText } from './answer.ts'
import type { Asked, Endpoint, StreamEvent } from './answer.ts'
import { openaiError } from './provider-error.ts'
import type { Usage } from './behaviour.ts'

/** OpenAI counts the cached part of a prompt into the prompt, and the reasoning into the completion. */
function completionUsage({ input, cacheRead, cacheWrite, output, reasoning }: Usage) {
  const prompt = input + cacheRead + cacheWrite
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** The usage chunk comes only to those who asked, and only then the other chunks say `"usage": null`. */
function tellsUsage({ call, plan }: Asked): boolean {
  const options = call.body['stream_options']
  const asked =
    typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage === true
  return asked && plan.withoutUsage !== true
}

/** The two endpoints differ in what a choice looks like, and in nothing else. */
interface Shape {
  readonly object: string
  readonly chunkObject: string
  /** Chat announces the role in a chunk of its own. */
  readonly opening: readonly unknown[]
  choice(text: string): unknown
  delta(text: string): unknown
  readonly finish: unknown
}

function chunks(asked: Asked, shape: Shape): StreamEvent[] {
  const { call, plan } = asked
  const told = tellsUsage(asked)
  const chunk = (choices: readonly unknown[], spent: Usage, usage: unknown = null): StreamEvent => ({
    data: {
      id: call.answerId,
      object: shape.chunkObject,
      created: CREATED_S,
      model: modelOf(call),
      system_fingerprint: 'fp_fake',
      choices,
      ...(told ? { usage } : {}),
    },
    spent,
  })
  return [
    ...shape.opening.map((choice) => chunk([choice], { ...plan.usage, output: 0, reasoning: 0 })),
    ...deltas(plan).map(({ text, spent }) => chunk([shape.delta(text)], spent)),
    chunk([shape.finish], plan.usage),
    ...(told ? [{ ...chunk([], plan.usage, completionUsage(plan.usage)), reported: true }] : []),
    { data: '[DONE]', spent: plan.usage, terminal: true },
  ]
}

function endpoint(shape: Shape): Endpoint {
  return (asked) => {
    const { call, plan } = asked
    if (call.body['stream'] === true) {
      const failure = { data: openaiError('server_error', null, plan.error) }
      return { kind: 'stream', events: chunks(asked, shape), failure }
    }
    const reported = plan.withoutUsage !== true
    const body = {
      id: call.answerId,
      object: shape.object,
      created: CREATED_S,
      model: modelOf(call),
      system_fingerprint: 'fp_fake',
      choices: [shape.choice(wholeText(plan))],
      ...(reported ? { usage: completionUsage(plan.usage) } : {}),
    }
    return { ...json(body, plan.usage), reported }
  }
}

export const chatCompletions = endpoint({
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: [
    { index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null },
  ],
  delta: (text) => ({ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }),
  finish: { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' },
  choice: (text) => ({
    index: 0,
    message: { role: 'assistant', content: text, refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: 'stop',
  }),
})

export const completions = endpoint({
  object: 'text_completion',
  chunkObject: 'text_completion',
  opening: [],
  delta: (text) => ({ index: 0, text, logprobs: null, finish_reason: null }),
  finish: { index: 0, text: '', logprobs: null, finish_reason: 'stop' },
  choice: (text) => ({ index: 0, text, logprobs: null, finish_reason: 'stop' }),
})
