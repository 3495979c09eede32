import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import type { ModelPrice, Prices } from '../domain/price.ts'
import { priceJson } from '../domain/price-json.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import {
  modelName,
  priceInput,
  priceListInput,
  readPrice,
  readPriceList,
  shownPriceList,
  shownPrices,
} from './price-list.ts'
import { requestInvalid } from './problems.ts'
import { done } from './schemas.ts'

export interface PriceParts {
  readonly prices: {
    list(): Promise<Prices>
    set(model: string, price: ModelPrice, expectedRevision?: string): Promise<void>
    remove(model: string, expectedRevision?: string): Promise<boolean>
    /** Makes these all the prices there are. */
    replaceAll(prices: Prices, expectedRevision?: string): Promise<void>
  }
  /** The list that comes with the program. */
  readonly defaultPrices: Prices
}

const described = { tag: 'Prices', access: 'admin', hasRevision: true } as const
const ofModels = { ...described, path: '/api/pricing/models' } as const

export function priceOperations(parts: PriceParts): readonly DocumentedOperation[] {
  return [listing(parts), replacing(parts), resetting(parts), setting(parts), removing(parts)]
}

function listing({ prices }: PriceParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listPrices',
      method: 'GET',
      path: '/api/pricing',
      summary: 'What models cost',
      description: 'A model without a price of its own has that of the longest name here that it begins with.',
      answer: shownPriceList,
    },
    async () => ({ body: { models: shownPrices(await prices.list()), currency: 'USD' as const } }),
  )
}

function replacing({ prices }: PriceParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'replacePrices',
      method: 'PUT',
      path: '/api/pricing',
      summary: 'Makes these all the prices there are',
      body: priceListInput,
      answer: done,
    },
    async ({ body, expectedRevision }) => {
      const { prices: after, problems } = readPriceList(body)
      if (problems.length > 0) throw requestInvalid(problems)
      const before = await prices.list()
      await prices.replaceAll(after, expectedRevision)
      return { body: { success: true, message: 'Prices replaced' }, audit: change(before, after) }
    },
  )
}

function resetting({ prices, defaultPrices }: PriceParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'resetPrices',
      method: 'POST',
      path: '/api/pricing/reset',
      summary: 'Makes the list that comes with this version all the prices there are',
      answer: done,
    },
    async ({ expectedRevision }) => {
      const before = await prices.list()
      await prices.replaceAll(defaultPrices, expectedRevision)
      return { body: { success: true, message: 'Prices reset' }, audit: change(before, defaultPrices) }
    },
  )
}

function setting({ prices }: PriceParts): DocumentedOperation {
  return operation(
    {
      ...ofModels,
      id: 'setPrice',
      method: 'PUT',
      summary: 'Sets what a model costs',
      description: 'In place of the price that it had, whole: what is left out is what it is for a new price.',
      body: priceInput.extend({ model: modelName }),
      example: { model: 'claude-sonnet', inputPrice: 3, outputPrice: 15, cacheReadPrice: 0.3 },
      answer: done,
    },
    async ({ body: { model: name, ...json }, expectedRevision }) => {
      const read = readPrice(json)
      if (read.kind === 'invalid') throw requestInvalid(read.details)
      const before = (await prices.list()).get(name)
      await prices.set(name, read.price, expectedRevision)
      const audit = { target: name, ...(before && { before: priceJson(before) }), after: priceJson(read.price) }
      return { body: { success: true, message: 'Price set' }, audit }
    },
  )
}

function removing({ prices }: PriceParts): DocumentedOperation {
  return operation(
    {
      ...ofModels,
      id: 'deletePrice',
      method: 'DELETE',
      summary: 'Removes the price of a model, which then is unpriced and not free',
      description: 'The model stands in the query or in the body: names of models have slashes.',
      query: z.strictObject({ model: modelName.optional() }),
      body: z.strictObject({ model: modelName.optional() }),
      answer: done,
      errors: ['not_found'],
    },
    async ({ query, body, expectedRevision }) => {
      const name = query.model ?? body.model
      if (name === undefined || (query.model !== undefined && body.model !== undefined)) {
        throw requestInvalid([{ field: 'model', message: 'Name one model, in the query or in the body.' }])
      }
      const before = (await prices.list()).get(name)
      if (!(await prices.remove(name, expectedRevision)) || before === undefined) throw new GatewayError('not_found')
      return {
        body: { success: true, message: 'Price removed' },
        audit: { target: name, before: priceJson(before) },
      }
    },
  )
}

/** The prices that differ: there are hundreds of others. */
function change(before: Prices, after: Prices) {
  const textIn = (prices: Prices, name: string): string => {
    const price = prices.get(name)
    return price ? JSON.stringify(priceJson(price)) : ''
  }
  const isSame = (name: string): boolean => textIn(before, name) === textIn(after, name)
  const of = (prices: Prices): object => shownPrices(new Map([...prices].filter(([name]) => !isSame(name))))
  return { target: 'prices', before: of(before), after: of(after) }
}
