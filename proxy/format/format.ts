/** The wire formats of Anthropic's Messages, OpenAI's Chat Completions and OpenAI's Responses. */
export type Format = 'messages' | 'chat' | 'responses'

/** What cannot be said in the other format at all; the sentence is for the caller and quotes nothing of a prompt. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

/** What an answer is told besides the upstream's own words. */
export interface AnswerContext {
  /** The model as the caller named it; undefined takes the upstream's name. */
  readonly model: string | undefined
  /** Stands where the upstream told no id; letters, digits and underscores. */
  readonly id: string
  /** Stands where the upstream told no time; seconds since 1970. */
  readonly createdAt: number
}

export interface StreamContext extends AnswerContext {
  /** The caller of a chat stream asked for `stream_options.include_usage`. */
  readonly wantsUsage: boolean
}
