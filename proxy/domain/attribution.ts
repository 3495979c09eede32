import type { IncomingHttpHeaders } from 'node:http'
import type { Protocol } from './endpoint.ts'
import { storable } from './storable.ts'

/** Whose call it is, in the words of the caller's own program: nothing that anybody has checked. */
export interface Attribution {
  readonly clientId: string | null
  readonly sessionId: string | null
}

type Body = Readonly<Record<string, unknown>>

export const NOBODY: Attribution = { clientId: null, sessionId: null }

/** Codex names no user, and keeps its cache by conversation. */
const CODEX = 'codex'
/** `user_<hash>_account_<uuid>_session_<uuid>`, as Claude Code wrote it at first. */
const ACCOUNT = '_account_'
const SESSION = '_session_'

/** Who asks and in which conversation, as far as the body and the headers of a call tell. */
export function attributionOf(protocol: Protocol, body: Body, headers: IncomingHttpHeaders): Attribution {
  const session = text(headers['x-claude-code-session-id']) ?? text(headers['session_id'])
  switch (protocol) {
    case 'messages':
      return attribution(userOf(body['metadata']), session)
    case 'responses': {
      const cacheKey = text(body['prompt_cache_key'])
      if (cacheKey !== undefined) return attribution({ clientId: CODEX, sessionId: cacheKey }, undefined)
      return attribution(userOf(body['metadata']), text(headers['conversation_id']) ?? session)
    }
    case 'chat':
    case 'completions':
      return attribution({ clientId: text(body['user']) }, session)
    case 'opaque':
      return attribution({}, session)
  }
}

interface User {
  readonly clientId?: string | undefined
  readonly sessionId?: string | undefined
}

function attribution({ clientId, sessionId }: User, fallback: string | undefined): Attribution {
  const session = sessionId ?? fallback
  return {
    clientId: clientId === undefined ? null : storable(clientId),
    sessionId: session === undefined ? null : storable(session),
  }
}

function userOf(metadata: unknown): User {
  const id = isObject(metadata) ? text(metadata['user_id']) : undefined
  if (id === undefined) return {}
  if (id.startsWith('{')) return userOfJson(id)
  const [account, session] = [id.indexOf(ACCOUNT), id.lastIndexOf(SESSION)]
  if (account === -1 || session < account) return { clientId: id }
  return { clientId: id.slice(0, account), sessionId: text(id.slice(session + SESSION.length)) }
}

function userOfJson(id: string): User {
  try {
    const user: unknown = JSON.parse(id)
    if (!isObject(user)) return {}
    return { clientId: text(user['account_uuid']) ?? text(user['device_id']), sessionId: text(user['session_id']) }
  } catch {
    return { clientId: id }
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
