/** What both ends of the bench know by heart: the requests of two APIs, and the answers to them. */
export type Api = 'messages' | 'chat'

export const paths = { messages: '/v1/messages', chat: '/v1/chat/completions' } as const
const models = { messages: 'claude-sonnet-4-5', chat: 'gpt-4o-mini' } as const

const INPUT_TOKENS = 25
const OUTPUT_TOKENS = 50

/** `stream` comes before the prompt, so that the upstream finds it without reading 64 KB. */
export function requestBody(api: Api, promptBytes: number, isStream: boolean): Buffer {
  const content = 'Who pays the toll at the gate, and why? '.repeat(Math.ceil(promptBytes / 40)).slice(0, promptBytes)
  const streamFields = isStream ? { stream: true } : {}
  const usageFields = isStream && api === 'chat' ? { stream_options: { include_usage: true } } : {}
  const messages = [{ role: 'user', content }]
  return Buffer.from(JSON.stringify({ model: models[api], max_tokens: 100, ...streamFields, ...usageFields, messages }))
}

export function wholeAnswer(api: Api): Buffer {
  return Buffer.from(JSON.stringify(api === 'messages' ? wholeMessage() : wholeCompletion()))
}

function wholeMessage(): object {
  return {
    ...messageHead(),
    content: [{ type: 'text', text: 'word '.repeat(OUTPUT_TOKENS) }],
    stop_reason: 'end_turn',
    usage: { input_tokens: INPUT_TOKENS, output_tokens: OUTPUT_TOKENS },
  }
}

function wholeCompletion(): object {
  return {
    ...completionHead('chat.completion'),
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(50) }, finish_reason: 'stop' }],
    usage: completionUsage(),
  }
}

/** One string per server-sent event: for messages, five more than there are content events; for chat, four. */
export function streamEvents(api: Api, contentEvents: number, withUsage = true): string[] {
  return api === 'messages' ? messageEvents(contentEvents) : completionEvents(contentEvents, withUsage)
}

function messageEvents(contentEvents: number): string[] {
  const usage = { input_tokens: INPUT_TOKENS, output_tokens: 1 }
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word ' } }
  const events = [
    { type: 'message_start', message: { ...messageHead(), content: [], stop_reason: null, usage } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...Array.from({ length: contentEvents }, () => delta),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: OUTPUT_TOKENS } },
    { type: 'message_stop' },
  ]
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

function completionEvents(contentEvents: number, withUsage: boolean): string[] {
  const head = completionHead('chat.completion.chunk')
  const chunk = (delta: object, finishReason: string | null = null) =>
    JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finishReason }] })
  const content = chunk({ content: 'word ' })
  const events = [
    chunk({ role: 'assistant', content: '' }),
    ...Array.from({ length: contentEvents }, () => content),
    chunk({}, 'stop'),
    ...(withUsage ? [JSON.stringify({ ...head, choices: [], usage: completionUsage() })] : []),
    '[DONE]',
  ]
  return events.map((data) => `data: ${data}\n\n`)
}

function messageHead(): object {
  return { id: 'msg_bench', type: 'message', role: 'assistant', model: models.messages, stop_sequence: null }
}

function completionHead(object: string): object {
  return { id: 'chatcmpl-bench', object, created: 1_700_000_000, model: models.chat }
}

function completionUsage(): object {
  return {
    prompt_tokens: INPUT_TOKENS,
    completion_tokens: OUTPUT_TOKENS,
    total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
  }
}
