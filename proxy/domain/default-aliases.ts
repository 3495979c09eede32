import type { Pool } from './channel.ts'

/** Names of models that a dashboard offers before anybody has said which. */
export const defaultModelAliases: Readonly<Record<Exclude<Pool, 'search'>, readonly string[]>> = {
  messages: ['opus', 'sonnet', 'haiku'],
  responses: ['codex', 'gpt-5', 'gpt-5-codex'],
  chat: ['gpt-5', 'gpt-5-mini'],
}
