import { type Call, readCall } from './domain/call.ts'
import type { Channel } from './domain/channel.ts'
import { endpointOf } from './domain/endpoint.ts'
import { GatewayError } from './domain/errors.ts'
import { targetOf } from './route/target.ts'
import { probe } from './upstream/probe.ts'

const PING = { timeoutMs: 5000, maxBytes: 0 } as const
const MODELS = { timeoutMs: 10_000, maxBytes: 1024 * 1024 } as const

/** Rejects with a `GatewayError` unless the upstream of a channel answers at its base URL, with whatever status. */
export async function pingUpstream({ name, baseUrl, tls }: Channel): Promise<void> {
  const { origin, pathname } = parsed(baseUrl)
  await probe({ channel: name, origin, path: pathname, headers: {}, tls }, 'HEAD', PING)
}

/** The ids of the models that the upstream of a channel lists, in its order. Throws `GatewayError`. */
export async function upstreamModels(channel: Channel): Promise<readonly string[]> {
  parsed(channel.baseUrl)
  const [key] = channel.keys
  if (key === undefined) throw failure('The channel has no key to ask with.')
  const call = channel.serviceType === 'claude' ? anthropicCall : openaiCall
  const { status, body } = await probe(targetOf(channel, key.secret, call), 'GET', MODELS)
  if (status !== 200) throw failure(`The upstream answered ${status}.`)
  const ids = idsIn(body)
  if (ids === undefined) throw failure('The upstream answered with something that is no list of models.')
  return ids
}

/** All at once: Anthropic has pages, of which the longest is of 1000 (https://docs.anthropic.com/en/api/models-list). */
const anthropicCall = modelsCall('?limit=1000')
const openaiCall = modelsCall('')

function modelsCall(search: string): Call {
  const endpoint = endpointOf('/v1/models', [], false)
  return readCall({ endpoint, method: 'GET', search, headers: {}, body: Buffer.alloc(0) }, null, undefined)
}

/** Both providers list them alike. */
function idsIn(body: string): readonly string[] | undefined {
  let list: unknown
  try {
    list = JSON.parse(body)
  } catch {
    return undefined
  }
  const { data } = Object(list) as { readonly data?: unknown } // safe: whatever it is, it may have none
  if (!Array.isArray(data)) return undefined
  const ids = data.map((model: unknown) => (Object(model) as { readonly id?: unknown }).id) // safe: likewise
  return ids.filter((id) => typeof id === 'string')
}

function parsed(baseUrl: string): URL {
  const url = URL.parse(baseUrl)
  if (url === null) throw failure('The base URL of the channel is none.')
  return url
}

function failure(message: string): GatewayError {
  return new GatewayError('upstream_unreachable', { message })
}
