import type { Call } from './domain/call.ts'
import { type Endpoint, isNamed } from './domain/endpoint.ts'
import { GatewayError } from './domain/errors.ts'
import type { Key } from './domain/key.ts'
import { compileModels } from './route/model-name.ts'

/** Stateless endpoints are open to every key; the rest of the shared upstream account to keys that name it. */
export function refuseClosedEndpoint(key: Key, endpoint: Endpoint): void {
  const isAllowed = key.allowedEndpoints === null ? endpoint.isOpen : isNamed(endpoint.name, key.allowedEndpoints)
  if (isAllowed) return
  if (endpoint.name.startsWith('v1/')) {
    const sentence = "The path has /v1 twice; Anthropic's SDK adds it to its base URL, OpenAI's wants it in it once."
    throw new GatewayError('route_unknown', { message: sentence })
  }
  const message = `The endpoint ${endpoint.name} is not open to this key; an administrator can name it in allowed_endpoints.`
  throw new GatewayError('endpoint_not_allowed', { message })
}

const allowedModels = new WeakMap<Key, (model: string) => boolean>()

/** A call that names no model that we can read may be for any: from a key with a list it is refused, unless it only reads. */
export function refuseModel(key: Key, { model, method }: Call): void {
  if (key.allowedModels === null || (model === undefined && method === 'GET')) return
  let isAllowed = allowedModels.get(key)
  if (isAllowed === undefined) allowedModels.set(key, (isAllowed = compileModels(key.allowedModels)))
  if (model === undefined || !isAllowed(model)) throw new GatewayError('model_not_allowed')
}
