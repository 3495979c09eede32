import { z } from 'zod'
import { type FieldProblem, GatewayError } from '../domain/errors.ts'
import type { ModelPrice, Prices } from '../domain/price.ts'
import { type PriceJson, priceJson, priceOfJson } from '../domain/price-json.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done, line, lines, recordOf } from './schemas.ts'

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

const usd = z.number().min(0).max(1_000_000)
const model = line(255).min(1)
const fields = {
  inputPrice: usd.describe('USD for a million tokens, as all prices; at most nine decimals'),
  outputPrice: usd,
  cacheCreationPrice: usd.nullable().describe('Null is 1.25 times the input; 0 is free'),
  cacheCreation1hPrice: usd.nullable().describe('Of what is kept for an hour. Null is 1.6 times cacheCreationPrice'),
  cacheReadPrice: usd.nullable().describe('Null is a tenth of the input; 0 is free'),
  description: lines(1000),
  exportToModels: z.boolean().describe('Whether GET /v1/models may list the model'),
}
const optional = {
  cacheCreationPrice: true,
  cacheCreation1hPrice: true,
  cacheReadPrice: true,
  description: true,
  exportToModels: true,
} as const
const priceInput = z.strictObject(fields).partial(optional)
const listInput = z.strictObject({
  models: recordOf(model, priceInput, 5000),
  currency: z.enum(['USD']).optional(),
})
const list = z.strictObject({ models: z.record(z.string(), z.strictObject(fields)), currency: z.enum(['USD']) })

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
      answer: list,
    },
    async () => ({ body: { models: shown(await prices.list()), currency: 'USD' as const } }),
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
      body: listInput,
      answer: done,
    },
    async ({ body, expectedRevision }) => {
      const problems: FieldProblem[] = []
      const after = new Map<string, ModelPrice>()
      for (const [name, json] of Object.entries(body.models)) {
        const read = readPrice(json)
        if (read.kind === 'price') after.set(name, read.price)
        else problems.push(...read.details.map(({ field, message }) => ({ field: `models.${name}.${field}`, message })))
      }
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
      body: priceInput.extend({ model }),
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
      query: z.strictObject({ model: model.optional() }),
      body: z.strictObject({ model: model.optional() }),
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

function readPrice(json: z.output<typeof priceInput>) {
  return priceOfJson(json as PriceJson) // safe: what JSON leaves out is not there, rather than undefined
}

function shown(prices: Prices) {
  return Object.fromEntries([...prices].map(([name, price]) => [name, shownPrice(price)]))
}

function shownPrice(price: ModelPrice): z.output<z.ZodObject<typeof fields>> {
  return { ...priceJson(price) } as z.output<z.ZodObject<typeof fields>> // safe: it says every field
}

/** The prices that differ: there are hundreds of others. */
function change(before: Prices, after: Prices) {
  const textIn = (prices: Prices, name: string): string => {
    const price = prices.get(name)
    return price ? JSON.stringify(priceJson(price)) : ''
  }
  const isSame = (name: string): boolean => textIn(before, name) === textIn(after, name)
  const of = (prices: Prices): object => shown(new Map([...prices].filter(([name]) => !isSame(name))))
  return { target: 'prices', before: of(before), after: of(after) }
}
