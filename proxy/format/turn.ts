import type { Effort } from './effort.ts'
import type { Json } from './json.ts'
import type { Seal } from './seal.ts'

/** One request, in no format: what at least two of the three can say. */
export interface Turn {
  readonly model: string | undefined
  readonly messages: readonly Message[]
  readonly tools: readonly Tool[]
  readonly toolChoice: ToolChoice | undefined
  /** Whether several tools may be called at once; undefined is the provider's default, which is yes. */
  readonly isParallel: boolean | undefined
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly stop: readonly string[]
  readonly reasoning: Reasoning | undefined
  readonly verbosity: string | undefined
  readonly outputFormat: OutputFormat | undefined
  readonly userId: string | undefined
  /** In OpenAI's words. */
  readonly serviceTier: string | undefined
  readonly isStream: boolean
  /** Fields that both formats of OpenAI have, with the same name and meaning, and Messages has not. */
  readonly shared: Json
}

export type Message =
  | { readonly role: 'system'; readonly parts: readonly TextPart[] }
  | { readonly role: 'user'; readonly parts: readonly UserPart[] }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }

export type UserPart = MediaPart | ToolResultPart
export type AssistantPart = TextPart | RefusalPart | ThinkingPart | ToolCallPart
export type MediaPart = TextPart | ImagePart | DocumentPart

export interface TextPart {
  readonly kind: 'text'
  readonly text: string
}

export interface RefusalPart {
  readonly kind: 'refusal'
  readonly text: string
}

export interface ThinkingPart {
  readonly kind: 'thinking'
  /** Empty where the provider keeps it to itself. */
  readonly text: string
  /** In a request only another provider's: what a provider's own callers hand back does not come through here. */
  readonly seal: Seal | undefined
}

export interface ToolCallPart {
  readonly kind: 'call'
  readonly id: string
  readonly name: string
  /** JSON, as the model wrote it: it may be broken. */
  readonly input: string
}

export interface ToolResultPart {
  readonly kind: 'result'
  readonly callId: string
  readonly parts: readonly MediaPart[]
}

export interface ImagePart {
  readonly kind: 'image'
  readonly source: Source
  /** OpenAI's `low` or `high`; undefined is the model's choice. */
  readonly detail: string | undefined
}

export interface DocumentPart {
  readonly kind: 'document'
  readonly source: Source
  readonly name: string | undefined
}

export type Source =
  | { readonly kind: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'url'; readonly url: string }

export interface Tool {
  readonly name: string
  readonly description: string | undefined
  /** JSON schema; undefined is a function without arguments. */
  readonly parameters: Json | undefined
  readonly isStrict: boolean | undefined
}

export type ToolChoice =
  | { readonly kind: 'auto' | 'required' | 'none' }
  | { readonly kind: 'tool'; readonly name: string }

/** An effort, a budget, neither (the model decides) or both; effort `none` is no reasoning. */
export interface Reasoning {
  readonly effort: Effort | undefined
  readonly budgetTokens: number | undefined
  /** The caller wants to read a summary. */
  readonly isSummarized: boolean
}

export type OutputFormat =
  | { readonly kind: 'json' }
  | {
      readonly kind: 'schema'
      readonly schema: Json
      readonly name: string | undefined
      readonly description: string | undefined
      readonly isStrict: boolean | undefined
    }

/** Puts neighbours of one of these roles together. */
export function joinNeighbours(messages: readonly Message[], roles: readonly Message['role'][]): readonly Message[] {
  const joined: Message[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last?.role !== message.role || !roles.includes(message.role)) joined.push(message)
    // safe: both have the same role, and so parts of the same kinds
    else joined[joined.length - 1] = { role: last.role, parts: [...last.parts, ...message.parts] } as Message
  }
  return joined
}
