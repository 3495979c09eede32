import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import type { KeyFilter, KeyPage } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { withoutCredentials } from './credential.ts'

const MAX_LIMIT = 1000

const query = z.strictObject({
  model: z.string().min(1).max(255).optional(),
  state: z.enum(['active', 'expired']).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(100),
  offset: z.coerce.number().int().min(0).default(0),
})

/** `GET /api/keys`: a page of the keys, oldest first, without their secrets. `search` is the query with its `?`. */
export async function keysPage(
  list: (filter: KeyFilter) => Promise<KeyPage>,
  search: string,
  now: number,
): Promise<object> {
  const parsed = query.safeParse(Object.fromEntries(new URLSearchParams(withoutCredentials(search))))
  if (!parsed.success) {
    const told = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`,
    )
    throw new GatewayError('query_invalid', { message: `The query cannot be used. ${told.join('; ')}` })
  }
  const { model, state, limit, offset } = parsed.data
  const filter = { ...(model !== undefined && { model }), ...(state !== undefined && { state }), now, limit, offset }
  const { keys, total } = await list(filter)
  return { keys: keys.map(keyJson), total, limit, offset }
}
