import type { Send } from './attempts.ts'
import type { Call } from './domain/call.ts'
import { type Endpoint, endpointOf } from './domain/endpoint.ts'
import type { Opened } from './domain/entry.ts'
import { GatewayError } from './domain/errors.ts'
import { replaceTopLevel } from './domain/json-edit.ts'
import type { Sink } from './domain/sink.ts'
import type { Target } from './domain/target.ts'
import { type Format, FormatError } from './format/format.ts'
import { translateRequest } from './format/translate.ts'
import { formatOf, targetOf } from './route/target.ts'
import { type Rendered, TranslatedAnswer } from './translated-answer.ts'

/** A call as one channel gets it. */
export interface Prepared {
  readonly call: Call
  readonly target: Target
  /** Takes the answer in the channel's format. */
  readonly sink: Sink
  readonly rendered: (last: Buffer | undefined) => Rendered
}

const endpoints: Readonly<Record<Format, Endpoint>> = {
  messages: endpointOf('/v1/messages', [], true),
  chat: endpointOf('/v1/chat/completions', [], false),
  responses: endpointOf('/v1/responses', [], false),
}

const AS_IT_IS: Rendered = { lost: [], fault: undefined, hasBegun: true }

type Sending = Send & { readonly token?: string | undefined }

/**
 * Makes of a call what one channel gets: asked for the model by the name that the channel knows it by, and in the
 * channel's format. Where both are the caller's every byte stays as it was sent. Throws `not_translatable`.
 */
export function prepare(call: Call, sent: Sending, client: Sink, { id, admittedAt }: Opened): Prepared {
  const { channel } = sent
  const asked = withEffort(withModel(call, sent.model), sent.effort)
  const [from, to] = [call.endpoint.protocol, formatOf(channel)]
  if (from === 'opaque' || from === 'completions' || to === undefined || from === to) {
    return { call: asked, target: authorised(sent, asked), sink: client, rendered: () => AS_IT_IS }
  }
  const { body, lost } = translated(asked, from, to)
  const endpoint = endpoints[to]
  const written = { ...asked, endpoint, search: '', body: Buffer.from(JSON.stringify(body)), hidesUsage: false }
  const { withheld, ...target } = authorised(sent, written)
  const context = { model: call.model, id, createdAt: Math.floor(admittedAt / 1000), wantsUsage: !call.hidesUsage }
  const sink = new TranslatedAnswer(client, to, from, context, lost)
  return {
    call: written,
    target: { ...target, withheld: [...withheld, ...vendorHeaders] },
    sink,
    rendered: (last) => sink.rendered(last),
  }
}

/** An access token stands where every OAuth token stands (RFC 6750, section 2.1), whatever the vendor's own keys do. */
function authorised({ channel, key, token }: Sending, call: Call): Target {
  const target = targetOf(channel, key?.secret, call)
  if (token === undefined) return target
  return { ...target, headers: { ...target.headers, authorization: `Bearer ${token}` } }
}

/** They ask a vendor for what its own format has. */
const vendorHeaders = ['anthropic-beta', 'openai-beta']

function translated(call: Call, from: Format, to: Format): ReturnType<typeof translateRequest> {
  try {
    return translateRequest(JSON.parse(call.body.toString('utf8')), from, to)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new GatewayError('not_translatable', { message: error.message })
  }
}

/** Every other byte of the body stays as it was sent. */
function withModel(call: Call, model: string | undefined): Call {
  if (model === undefined || model === call.model) return call
  return withMember({ ...call, model }, 'model', model)
}

/** How hard a model is to think, as each format says it. */
function withEffort(call: Call, effort: string | undefined): Call {
  if (effort === undefined) return call
  switch (call.endpoint.protocol) {
    case 'chat':
      return withMember(call, 'reasoning_effort', effort)
    case 'responses':
      return withMember(call, 'reasoning', { ...memberOf(call, 'reasoning'), effort })
    case 'messages':
      return withMember(call, 'output_config', { ...memberOf(call, 'output_config'), effort })
    case 'completions':
    case 'opaque':
      return call
  }
}

function withMember(call: Call, name: string, value: unknown): Call {
  return { ...call, body: Buffer.from(replaceTopLevel(call.body.toString('utf8'), name, JSON.stringify(value))) }
}

function memberOf(call: Call, name: string): object {
  const body = JSON.parse(call.body.toString('utf8')) as Readonly<Record<string, unknown>> // safe: readCall has seen an object
  const value = body[name]
  return typeof value === 'object' && value !== null ? value : {}
}
