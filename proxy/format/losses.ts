import type { Format } from './format.ts'

const MAX_NAMES = 32
const MAX_NAME_LENGTH = 64

/** Takes the name of a field that is not carried over. */
export type Lose = (name: string) => void

/** What is carried between some of the formats only, by its name in those that can say it to one that cannot. */
const fields = {
  maxTokens: { messages: 'max_tokens', chat: 'max_completion_tokens' },
  stop: { messages: 'stop_sequences', chat: 'stop' },
  temperature: { chat: 'temperature', responses: 'temperature' },
  topP: { chat: 'top_p', responses: 'top_p' },
  reasoning: { chat: 'reasoning_effort', responses: 'reasoning' },
  summary: { messages: 'thinking.display', responses: 'reasoning.summary' },
  verbosity: { chat: 'verbosity', responses: 'text.verbosity' },
  outputFormat: { chat: 'response_format', responses: 'text.format' },
  userId: { messages: 'metadata.user_id', chat: 'user', responses: 'user' },
  serviceTier: { chat: 'service_tier', responses: 'service_tier' },
  systemPlace: { chat: 'messages[].role', responses: 'input[].role' },
  prefill: { messages: 'messages[].prefill' },
  thinking: {
    messages: 'messages[].content[].thinking',
    chat: 'messages[].reasoning_content',
    responses: 'input[].reasoning',
  },
  imageDetail: { chat: 'messages[].content[].image_url.detail', responses: 'input[].content[].detail' },
  toolMedia: { messages: 'messages[].content[].content[]', responses: 'input[].output[]' },
  stopSequence: { messages: 'stop_sequence' },
  seal: { messages: 'content[].signature', responses: 'output[].encrypted_content' },
  answeredArguments: {
    chat: 'choices[].message.tool_calls[].function.arguments',
    responses: 'output[].arguments',
  },
  callArguments: { chat: 'messages[].tool_calls[].function.arguments', responses: 'input[].arguments' },
} as const satisfies Record<string, Readonly<Partial<Record<Format, string>>>>

export type Field = keyof typeof fields

/** Undefined where nothing is lost, because `format` cannot say it either. */
export function fieldName(field: Field, format: Format): string | undefined {
  const names: Readonly<Partial<Record<Format, string>>> = fields[field]
  return names[format]
}

/**
 * Collects names, each once. They go into a header and a log, and a caller may have made them up: they are few, short
 * and printable.
 */
export function createLosses(): { readonly lose: Lose; readonly names: () => readonly string[] } {
  const lost = new Set<string>()
  return {
    lose: (name) => {
      if (lost.size < MAX_NAMES) lost.add(printable(name))
    },
    names: () => [...lost],
  }
}

/** Those of a request and then of its answer: as few, and each once. */
export function bothLost(asked: readonly string[], answered: readonly string[]): readonly string[] {
  return [...new Set([...asked, ...answered])].slice(0, MAX_NAMES)
}

/** A caller's word as it may stand in a header, a log or an error. */
export function printable(word: string): string {
  return word.slice(0, MAX_NAME_LENGTH).replace(/[^\x21-\x7e]|,/g, '?') || '?'
}
