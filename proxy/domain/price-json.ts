import type { FieldProblem } from './errors.ts'
import { formatUsd, parseUsd } from './money.ts'
import { cachePrices, MAX_PRICE_NANO_USD, type ModelPrice } from './price.ts'

/** A price as the admin API tells it: in USD for a million tokens, with the names of system C. */
export interface PriceJson {
  readonly inputPrice: number
  readonly outputPrice: number
  /** Null, or left out, is 1.25 times the input; 0 is free. */
  readonly cacheCreationPrice?: number | null
  /** Of what is kept for an hour. Null, or left out, is 1.6 times `cacheCreationPrice`. */
  readonly cacheCreation1hPrice?: number | null
  /** Null, or left out, is a tenth of the input; 0 is free. */
  readonly cacheReadPrice?: number | null
  readonly description?: string
  /** Whether `GET /v1/models` may list the model; left out it may. */
  readonly exportToModels?: boolean
}

/** Exact: up to a million USD, every nano-USD is a number of its own. */
export function priceJson(price: ModelPrice): PriceJson {
  return {
    inputPrice: usdOf(price.input),
    outputPrice: usdOf(price.output),
    cacheCreationPrice: usdOf(price.cacheWrite),
    cacheCreation1hPrice: price.cacheWrite1h === undefined ? null : usdOf(price.cacheWrite1h),
    cacheReadPrice: usdOf(price.cacheRead),
    description: price.description,
    exportToModels: price.isExported,
  }
}

function usdOf(nanoUsd: number): number {
  return Number(formatUsd(nanoUsd))
}

export type PriceOfJson =
  | { readonly kind: 'price'; readonly price: ModelPrice }
  | { readonly kind: 'invalid'; readonly details: readonly FieldProblem[] }

/** The other direction, or what is wrong with every field that is no price. */
export function priceOfJson(json: PriceJson): PriceOfJson {
  const details: FieldProblem[] = []
  const read = (field: keyof typeof json, usd: number | null | undefined): number | undefined => {
    if (usd === null || usd === undefined) return undefined
    const nanoUsd = nanoUsdOf(usd)
    if (nanoUsd === undefined)
      details.push({
        field,
        message: 'Give USD for a million tokens: from 0 to a million, with at most nine decimals.',
      })
    return nanoUsd
  }
  const input = read('inputPrice', json.inputPrice) ?? 0
  const output = read('outputPrice', json.outputPrice) ?? 0
  const cacheWrite = read('cacheCreationPrice', json.cacheCreationPrice)
  const cacheWrite1h = read('cacheCreation1hPrice', json.cacheCreation1hPrice)
  const cacheRead = read('cacheReadPrice', json.cacheReadPrice)
  if (details.length > 0) return { kind: 'invalid', details }
  const price: ModelPrice = {
    ...cachePrices(input),
    input,
    output,
    ...(cacheWrite !== undefined && { cacheWrite }),
    ...(cacheWrite1h !== undefined && { cacheWrite1h }),
    ...(cacheRead !== undefined && { cacheRead }),
    description: json.description ?? '',
    isExported: json.exportToModels ?? true,
  }
  return { kind: 'price', price }
}

/** Undefined for what is no price: its decimals would be others if they were cut. */
function nanoUsdOf(usd: number): number | undefined {
  const decimal = usd.toFixed(9)
  const nanoUsd = Number(decimal) === usd ? parseUsd(decimal) : undefined
  return nanoUsd !== undefined && nanoUsd <= MAX_PRICE_NANO_USD ? nanoUsd : undefined
}
