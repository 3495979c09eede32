import { z } from 'zod'
import type { FieldProblem } from '../domain/errors.ts'
import type { ModelPrice, Prices } from '../domain/price.ts'
import { type PriceJson, priceJson, priceOfJson } from '../domain/price-json.ts'
import { line, lines, recordOf } from './schemas.ts'

const usd = z.number().min(0).max(1_000_000)
export const modelName = line(255).min(1)
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
export const priceInput = z.strictObject(fields).partial(optional)
/** All prices, as a caller says them. */
export const priceListInput = z.strictObject({
  models: recordOf(modelName, priceInput, 5000),
  currency: z.enum(['USD']).optional(),
})
/** All prices, as they are shown. */
export const shownPriceList = z.strictObject({
  models: z.record(z.string(), z.strictObject(fields)),
  currency: z.enum(['USD']),
})

export function readPrice(json: z.output<typeof priceInput>) {
  return priceOfJson(json as PriceJson) // safe: what JSON leaves out is not there, rather than undefined
}

/** The prices of a list, and what is wrong with those that are none. */
export function readPriceList({ models }: z.output<typeof priceListInput>) {
  const problems: FieldProblem[] = []
  const prices = new Map<string, ModelPrice>()
  for (const [name, json] of Object.entries(models)) {
    const read = readPrice(json)
    if (read.kind === 'price') prices.set(name, read.price)
    else problems.push(...read.details.map(({ field, message }) => ({ field: `models.${name}.${field}`, message })))
  }
  return { prices, problems }
}

export function shownPrices(prices: Prices) {
  return Object.fromEntries([...prices].map(([name, price]) => [name, shownPrice(price)]))
}

function shownPrice(price: ModelPrice): z.output<z.ZodObject<typeof fields>> {
  return { ...priceJson(price) } as z.output<z.ZodObject<typeof fields>> // safe: it says every field
}
