import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from './errors.ts'
import type { Endpoint } from './endpoint.ts'
import { addTopLevel, replaceTopLevel } from './json-edit.ts'

/** One call, as it goes to an upstream. */
export interface Call {
  readonly endpoint: Endpoint
  readonly method: string
  /** The query string with its `?` and without our credentials; empty when there is none. */
  readonly search: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly model: string | undefined
  readonly stream: boolean
  /** The caller's own bound on output tokens. */
  readonly maxTokens: number | undefined
  /** We asked the upstream for usage in the stream, and the caller did not: what tells of it is taken out again. */
  readonly hidesUsage: boolean
}

type Raw = Pick<Call, 'endpoint' | 'method' | 'search' | 'headers' | 'body'>

/**
 * Reads what the gateway needs of a body and changes only what has to change, leaving every other byte as it was
 * sent: the key's forced model, the default model where none was named, and `stream_options.include_usage`, without
 * which OpenAI's streams carry no usage (https://platform.openai.com/docs/api-reference/chat/create).
 */
export function readCall(raw: Raw, forcedModel: string | null, defaultModel: string | undefined): Call {
  if (!isJson(raw)) return { ...raw, model: undefined, stream: false, maxTokens: undefined, hidesUsage: false }

  const text = raw.body.toString('utf8')
  const body = parseObject(text)
  const asked = typeof body['model'] === 'string' && body['model'] !== '' ? body['model'] : undefined
  const forced = raw.endpoint.takesModel ? forcedModel : null
  const model = raw.endpoint.takesModel ? (forced ?? asked ?? defaultModel) : asked
  const stream = body['stream'] === true

  let edited = text
  // A forced model is written even where it was asked for: a second `model` may stand before the one that we read.
  if (model !== undefined && (model !== asked || forced !== null)) {
    edited = replaceTopLevel(edited, 'model', JSON.stringify(model))
  }
  const options = body['stream_options']
  const isChat = raw.endpoint.protocol === 'chat' || raw.endpoint.protocol === 'completions'
  const hidesUsage = stream && isChat && !(isObject(options) && options['include_usage'] === true)
  if (hidesUsage) {
    edited = isObject(options)
      ? replaceTopLevel(edited, 'stream_options', JSON.stringify({ ...options, include_usage: true }))
      : options === undefined
        ? addTopLevel(edited, 'stream_options', '{"include_usage":true}')
        : replaceTopLevel(edited, 'stream_options', '{"include_usage":true}')
  }
  return {
    ...raw,
    body: edited === text ? raw.body : Buffer.from(edited),
    model,
    stream,
    maxTokens: maxTokensOf(body),
    hidesUsage,
  }
}

/** Endpoints that we meter are JSON whatever they are labelled; of the others only what says that it is. */
function isJson({ endpoint, headers, body }: Raw): boolean {
  if (endpoint.protocol !== 'opaque') return true
  return body.length > 0 && (headers['content-type']?.includes('json') ?? false)
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('json_invalid', { cause })
  }
  if (!isObject(parsed)) throw new GatewayError('json_invalid')
  return parsed
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function maxTokensOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const bound = body['max_tokens'] ?? body['max_completion_tokens'] ?? body['max_output_tokens']
  return typeof bound === 'number' && Number.isSafeInteger(bound) && bound > 0 ? bound : undefined
}
