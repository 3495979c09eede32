import type { Channels } from './channels.ts'
import type { Pool } from './domain/channel.ts'
import type { Dialect } from './domain/endpoint.ts'
import { GatewayError } from './domain/errors.ts'
import type { Key } from './domain/key.ts'
import type { Incoming } from './http/gateway.ts'
import { compileModels } from './route/model-name.ts'
import { offeredModels } from './route/offered-models.ts'
import type { PriceBook } from './store/prices.ts'

interface ModelsParts {
  readonly prices: Pick<PriceBook, 'listed'>
  readonly channels: Pick<Channels, 'all'>
}

const JSON_HEADERS = { 'content-type': 'application/json' }
/** Where the models of a dialect can be asked for. */
const pools: Readonly<Record<Dialect, readonly Pool[]>> = { anthropic: ['messages'], openai: ['chat', 'responses'] }
const ONE = /^\/v1\/models\/(.+)$/
/** Nobody knows when a model was made, and both providers' SDKs expect a time. */
const CREATED_AT = 0

/**
 * Answers `GET /v1/models` and `/v1/models/{id}` with what the key may ask for, in the provider's shape
 * (https://docs.anthropic.com/en/api/models-list, https://platform.openai.com/docs/api-reference/models). All of them at
 * once: there are no pages.
 */
export function createModels({ prices, channels }: ModelsParts): (incoming: Incoming, key: Key) => void {
  return ({ endpoint, client }, key) => {
    const mayUse = key.allowedModels === null ? () => true : compileModels(key.allowedModels)
    const usable = channels.all().filter(({ id, pool }) => {
      const isAllowed = key.allowedChannels === null || key.allowedChannels.includes(id)
      return isAllowed && pools[endpoint.dialect].includes(pool)
    })
    const models = offeredModels(usable, prices.listed(), mayUse)
    const shape = endpoint.dialect === 'anthropic' ? anthropicModel : openaiModel
    const [, id] = ONE.exec(endpoint.path) ?? []
    if (id !== undefined) {
      const model = models.find((name) => name === id || encodeURIComponent(name) === id)
      if (model === undefined) throw new GatewayError('model_unknown')
      answer(client, shape(model))
      return
    }
    const data = models.map(shape)
    const page = { has_more: false, first_id: models[0] ?? null, last_id: models.at(-1) ?? null }
    answer(client, endpoint.dialect === 'anthropic' ? { data, ...page } : { object: 'list', data })
  }
}

function openaiModel(id: string): object {
  return { id, object: 'model', created: CREATED_AT, owned_by: 'tollgate' }
}

function anthropicModel(id: string): object {
  return { type: 'model', id, display_name: id, created_at: new Date(CREATED_AT).toISOString() }
}

function answer(client: Incoming['client'], body: object): void {
  client.head(200, JSON_HEADERS)
  client.end(Buffer.from(JSON.stringify(body)))
}
