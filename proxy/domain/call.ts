import type { IncomingHttpHeaders } from 'node:http'
import { type Attribution, attributionOf, NOBODY } from './attribution.ts'
import { GatewayError } from './errors.ts'
import type { Endpoint, Protocol } from './endpoint.ts'
import { addTopLevel, replaceTopLevel } from './json-edit.ts'
import { type ServiceTier, serviceTierOf } from './service-tier.ts'

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
  /** What the caller lets it put out at most, all choices together; undefined where nothing in the body bounds the call. */
  readonly maxTokens: number | undefined
  /** We asked the upstream for usage in the stream, and the caller did not: what tells of it is taken out again. */
  readonly hidesUsage: boolean
  readonly attribution: Attribution
  /** That it asks for: it may be served in a cheaper one. */
  readonly serviceTier: ServiceTier
}

/** A request, before anything in its body is known. */
type RawCall = Pick<Call, 'endpoint' | 'method' | 'search' | 'headers' | 'body'>

/**
 * Reads what the gateway needs of a body and changes only what has to change, leaving every other byte as it was
 * sent: the key's forced model, the default model where none was named, and `stream_options.include_usage`, without
 * which OpenAI's streams carry no usage (https://platform.openai.com/docs/api-reference/chat/create).
 */
export function readCall(raw: RawCall, forcedModel: string | null, defaultModel: string | undefined): Call {
  const { endpoint, method, search, headers } = raw
  const call = { endpoint, method, search, headers, body: raw.body }
  if (!isJson(raw)) {
    const unread = { model: undefined, stream: false, maxTokens: 0, hidesUsage: false, attribution: NOBODY }
    return { ...call, ...unread, serviceTier: 'standard' }
  }

  const text = raw.body.toString('utf8')
  const body = parseObject(text)
  const asked = typeof body['model'] === 'string' && body['model'] !== '' ? body['model'] : undefined
  const forced = endpoint.takesModel ? forcedModel : null
  const model = endpoint.takesModel ? (forced ?? asked ?? defaultModel) : asked
  const stream = body['stream'] === true

  let edited = text
  // A forced model is written even where it was asked for: a second `model` may stand before the one that we read.
  if (model !== undefined && (model !== asked || forced !== null)) {
    edited = replaceTopLevel(edited, 'model', JSON.stringify(model))
  }
  const options = body['stream_options']
  const isChat = endpoint.protocol === 'chat' || endpoint.protocol === 'completions'
  const hidesUsage = stream && isChat && !(isObject(options) && options['include_usage'] === true)
  if (hidesUsage) {
    edited = isObject(options)
      ? replaceTopLevel(edited, 'stream_options', JSON.stringify({ ...options, include_usage: true }))
      : options === undefined
        ? addTopLevel(edited, 'stream_options', '{"include_usage":true}')
        : replaceTopLevel(edited, 'stream_options', '{"include_usage":true}')
  }
  if (edited !== text) call.body = Buffer.from(edited)
  const maxTokens = maxTokensOf(endpoint.protocol, body, text)
  const attribution = attributionOf(endpoint.protocol, body, headers)
  const serviceTier = serviceTierOf(body['service_tier'], body)
  return { ...call, model, stream, maxTokens, hidesUsage, attribution, serviceTier }
}

/** Endpoints that we meter are JSON whatever they are labelled; of the others only what says that it is. */
function isJson({ endpoint, headers, body }: RawCall): boolean {
  if (endpoint.protocol !== 'opaque') return true
  return body.length > 0 && (headers['content-type']?.includes('json') ?? false)
}

function parseObject(text: string): Body {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new GatewayError('json_invalid') // without its cause, which quotes the body
  }
  if (!isObject(parsed)) throw new GatewayError('json_invalid')
  return parsed
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Body = Readonly<Record<string, unknown>>

function maxTokensOf(protocol: Protocol, body: Body, text: string): number | undefined {
  switch (protocol) {
    case 'messages':
      return isOpenEnded(body, text) ? undefined : count(body['max_tokens'])
    case 'chat':
      return times(count(body['max_completion_tokens']) ?? count(body['max_tokens']), count(body['n']))
    case 'completions':
      return times(count(body['max_tokens']), count(body['best_of']) ?? count(body['n']))
    case 'responses':
      return isOpenEnded(body, text) ? undefined : count(body['max_output_tokens'])
    case 'opaque':
      return 0 // what passes through is input: embeddings, moderations, token counts
  }
}

/** Whether the upstream may read more than the body: earlier answers, stored prompts, files, the results of its own tools. */
function isOpenEnded(body: Body, text: string): boolean {
  const references = ['previous_response_id', 'conversation', 'prompt', 'container', 'mcp_servers']
  if (references.some((name) => body[name] !== undefined && body[name] !== null)) return true
  if (Array.isArray(body['tools']) && body['tools'].some(isServerTool)) return true
  return ['"file_id"', '"file_url"', '"url"'].some((name) => text.includes(name))
}

/** Tools that the caller runs have no type, or one of these; all others the provider runs, and their results are input. */
function isServerTool(tool: unknown): boolean {
  const type = isObject(tool) ? tool['type'] : undefined
  return type !== undefined && type !== 'function' && type !== 'custom'
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

function times(bound: number | undefined, factor: number | undefined): number | undefined {
  return bound === undefined ? undefined : bound * (factor ?? 1)
}
