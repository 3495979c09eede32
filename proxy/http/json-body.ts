import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../domain/errors.ts'
import type { Bodies } from './body.ts'

/** `application/json` or a format built on it (RFC 6839), without a charset other than the one JSON has. */
const JSON_TYPE = /^application\/(?:json|[\w.-]{1,64}\+json)[ \t]{0,8}(?:;[ \t]{0,8}charset="?utf-8"?)?[ \t]{0,8}$/i

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * The JSON that a request brings; undefined if it has no body. Throws `content_type_unsupported`, `json_invalid`, and
 * what reading throws. No error says what was in the body.
 */
export async function readJson(bodies: Bodies, req: IncomingMessage, res: ServerResponse): Promise<unknown> {
  const { headers } = req
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return undefined
  const isPlain = headers['content-encoding'] === undefined || headers['content-encoding'] === 'identity'
  if (!isPlain || !JSON_TYPE.test(headers['content-type'] ?? '')) throw new GatewayError('content_type_unsupported')
  const bytes = await bodies.read(req, res)
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown
  } catch {
    throw new GatewayError('json_invalid', { message: 'The body is not valid JSON in UTF-8.' }) // what it says is no cause
  } finally {
    bodies.release(bytes)
  }
}
