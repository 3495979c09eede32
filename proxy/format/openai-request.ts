import type { Fields } from './fields.ts'
import { FormatError } from './format.ts'
import type { Json } from './json.ts'
import type { Tool, ToolChoice, Turn } from './turn.ts'

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

/**
 * Which tools may or must be called. `within` is where an object tells more of its type: beside the type, or in an
 * object of the type's name.
 */
export function readToolChoice(
  fields: Fields,
  within: (object: Fields, type: string) => Fields | undefined,
): { readonly toolChoice: ToolChoice | undefined; readonly allowed: readonly string[] | undefined } {
  const word = fields.any('tool_choice')
  if (word === undefined) return { toolChoice: undefined, allowed: undefined }
  if (word === 'auto' || word === 'none' || word === 'required')
    return { toolChoice: { kind: word }, allowed: undefined }
  const choice = fields.inner('tool_choice')
  const type = choice?.requiredText('type')
  const named = type === 'function' ? choice && within(choice, type)?.requiredText('name') : undefined
  const list = type === 'allowed_tools' ? choice && within(choice, type) : undefined
  const mode = list?.text('mode')
  const allowed = list?.each('tools').map((each) => {
    return within(each, 'function')?.requiredText('name') ?? each.refuse('custom')
  })
  choice?.close()
  if (named !== undefined) return { toolChoice: { kind: 'tool', name: named }, allowed: undefined }
  if (allowed) return { toolChoice: { kind: mode === 'required' ? 'required' : 'auto' }, allowed }
  throw new FormatError('tool_choice must be auto, none, required, a function or allowed functions.')
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
