import type { Fields } from './fields.ts'
import type { Json } from './json.ts'
import type { Tool, Turn } from './turn.ts'

/** What Chat Completions and Responses have in common. */

const sharedNames = [
  'metadata',
  'moderation',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'store',
] as const

/** OpenAI refuses longer ones; what Claude Code sends as user id is longer. */
const MAX_USER_ID_LENGTH = 64

export function readSharedFields(fields: Fields): Json {
  return Object.fromEntries(sharedNames.map((name) => [name, fields.any(name)]))
}

/** `safety_identifier` replaces `user`, which is deprecated. */
export function userIdOf(fields: Fields): string | undefined {
  const user = fields.text('user')
  return fields.text('safety_identifier') ?? user
}

/** `auto` says what leaving it out says. */
export function imageDetail(image: Fields): string | undefined {
  const detail = image.text('detail')
  return detail === 'auto' ? undefined : detail
}

/** Tools that the model may not call need not be told to it. */
export function allowedTools(tools: readonly Tool[], names: readonly string[] | undefined): readonly Tool[] {
  return names === undefined ? tools : tools.filter(({ name }) => names.includes(name))
}

export function shortUserId({ userId }: Turn, lose: (field: 'userId') => void): string | undefined {
  if (userId === undefined || userId.length <= MAX_USER_ID_LENGTH) return userId
  lose('userId')
  return undefined
}
