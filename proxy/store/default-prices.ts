import { parseUsd } from '../domain/money.ts'
import type { ModelPrice } from '../domain/price.ts'

/** The day on which the list was last compared with its sources; a newer list has a later one. */
export const DEFAULT_PRICES_VERSION = '2026-11-21'

/** USD for a million tokens: input, output, read from a cache, written to it, and kept there for an hour. */
type Row = readonly [model: string, input: string, output: string, cacheRead: string, cacheWrite: string, hour?: string]

/**
 * https://platform.claude.com/docs/en/about-claude/pricing. Not here: claude-haiku-5-5, whose price goes by the length
 * of the prompt from 100 000 tokens on.
 */
const anthropic: readonly Row[] = [
  ['claude-fable-5-2', '8', '40', '0.20', '10', '16'],
  ['claude-fable-5-1', '10', '50', '0.25', '12.50', '20'],
  ['claude-fable-5', '10', '50', '1', '12.50', '20'],
  ['claude-opus-5-5', '4', '20', '0.20', '5', '8'],
  ['claude-opus-5', '5', '25', '0.50', '6.25', '10'],
  ['claude-opus-4-8', '5', '25', '0.50', '6.25', '10'],
  ['claude-opus-4-7', '5', '25', '0.50', '6.25', '10'],
  ['claude-opus-4-6', '5', '25', '0.50', '6.25', '10'],
  ['claude-opus-4-5', '5', '25', '0.50', '6.25', '10'],
  ['claude-opus-4-1', '15', '75', '1.50', '18.75', '30'],
  ['claude-sonnet-5-5', '2', '10', '0.10', '2.50', '4'],
  ['claude-sonnet-5', '2', '10', '0.20', '2.50', '4'],
  ['claude-sonnet-4-6', '3', '15', '0.30', '3.75', '6'],
  ['claude-sonnet-4-5', '3', '15', '0.30', '3.75', '6'],
  ['claude-haiku-4-5', '1', '5', '0.10', '1.25', '2'],
]

/**
 * https://developers.openai.com/api/docs/pricing, up to 272 000 tokens of input; a longer call costs twice the input and
 * one and a half times the output. Not here: gpt-5.6-sol, whose price was promised until this day only.
 */
const openaiUpTo272k: readonly Row[] = [
  ['gpt-6.2-astra', '8', '40', '0.40', '10'],
  ['gpt-6.2-sol', '2', '10', '0.10', '2.50'],
  ['gpt-6.1-sol', '2', '10', '0.10', '2.50'],
  ['gpt-6.1-terra', '1', '5', '0.05', '1.25'],
  ['gpt-6-astra', '10', '50', '1', '12.50'],
  ['gpt-6-sol', '2', '10', '0.20', '2.50'],
  ['gpt-6-luna', '0.10', '0.50', '0.01', '0.125'],
  ['gpt-5.6-terra', '2', '12', '0.20', '2.50'],
  ['gpt-5.6-luna', '0.20', '1.20', '0.02', '0.25'],
  ['gpt-5.5', '5', '30', '0.50', '5'],
  ['gpt-5.5-pro', '30', '180', '30', '30'],
  ['gpt-5.4', '2.50', '15', '0.25', '2.50'],
  ['gpt-5.4-pro', '30', '180', '30', '30'],
]

/**
 * The same page. What is written to a cache costs no more than other input, and models that have no cached price read
 * from it at that of input. Names that others with other prices begin with are here with their date only: gpt-5, gpt-4o.
 */
const openai: readonly Row[] = [
  ['gpt-5.4-mini', '0.75', '4.50', '0.075', '0.75'],
  ['gpt-5.4-nano', '0.20', '1.25', '0.02', '0.20'],
  ['gpt-5.3-codex', '1.75', '14', '0.175', '1.75'],
  ['gpt-5.2', '1.75', '14', '0.175', '1.75'],
  ['gpt-5.2-pro', '21', '168', '21', '21'],
  ['gpt-5.1', '1.25', '10', '0.125', '1.25'],
  ['gpt-5.1-codex-mini', '0.25', '2', '0.025', '0.25'],
  ['gpt-5-2025-08-07', '1.25', '10', '0.125', '1.25'],
  ['gpt-5-codex', '1.25', '10', '0.125', '1.25'],
  ['gpt-5-pro', '15', '120', '15', '15'],
  ['gpt-5-mini', '0.25', '2', '0.025', '0.25'],
  ['gpt-5-nano', '0.05', '0.40', '0.005', '0.05'],
  ['gpt-4.1', '2', '8', '0.50', '2'],
  ['gpt-4.1-mini', '0.40', '1.60', '0.10', '0.40'],
  ['gpt-4.1-nano', '0.10', '0.40', '0.025', '0.10'],
  ['gpt-4o-2024-11-20', '2.50', '10', '1.25', '2.50'],
  ['gpt-4o-2024-08-06', '2.50', '10', '1.25', '2.50'],
  ['gpt-4o-mini-2024-07-18', '0.15', '0.60', '0.075', '0.15'],
  ['o3-2025-04-16', '2', '8', '0.50', '2'],
  ['o4-mini-2025-04-16', '1.10', '4.40', '0.275', '1.10'],
  ['text-embedding-3-small', '0.02', '0', '0.02', '0.02'],
  ['text-embedding-3-large', '0.13', '0', '0.13', '0.13'],
]

/** https://docs.z.ai/guides/overview/pricing. Keeping what is cached is free for the time being; some models are free. */
const zai: readonly Row[] = [
  ['glm-5.3', '1.40', '4.40', '0.26', '1.40'],
  ['glm-5.3-flash', '0.15', '0.50', '0.03', '0.15'],
  ['glm-5.2', '1.40', '4.40', '0.26', '1.40'],
  ['glm-5.1', '1.40', '4.40', '0.26', '1.40'],
  ['glm-5', '1', '3.20', '0.20', '1'],
  ['glm-5-code', '1.20', '5', '0.30', '1.20'],
  ['glm-5-turbo', '1.20', '4', '0.24', '1.20'],
  ['glm-5v-turbo', '1.20', '4', '0.24', '1.20'],
  ['glm-4.7', '0.60', '2.20', '0.11', '0.60'],
  ['glm-4.7-flashx', '0.07', '0.40', '0.01', '0.07'],
  ['glm-4.7-flash', '0', '0', '0', '0'],
  ['glm-4.6', '0.60', '2.20', '0.11', '0.60'],
  ['glm-4.6v', '0.30', '0.90', '0.05', '0.30'],
  ['glm-4.6v-flashx', '0.04', '0.40', '0.004', '0.04'],
  ['glm-4.6v-flash', '0', '0', '0', '0'],
  ['glm-4.5', '0.60', '2.20', '0.11', '0.60'],
  ['glm-4.5v', '0.60', '1.80', '0.11', '0.60'],
  ['glm-4.5-x', '2.20', '8.90', '0.45', '2.20'],
  ['glm-4.5-air', '0.20', '1.10', '0.03', '0.20'],
  ['glm-4.5-airx', '1.10', '4.50', '0.22', '1.10'],
  ['glm-4.5-flash', '0', '0', '0', '0'],
]

/** List prices of the providers' standard tiers. What is not certain is not in it: unpriced is shown as unpriced. */
export const defaultPrices: ReadonlyMap<string, ModelPrice> = new Map([
  ...[...anthropic, ...openai, ...zai].map((row) => pricedModel(row, '')),
  ...openaiUpTo272k.map((row) => pricedModel(row, 'up to 272K tokens of input')),
])

function pricedModel([model, input, output, cacheRead, cacheWrite, hour]: Row, description: string) {
  const price: ModelPrice = {
    input: nanoUsd(input),
    output: nanoUsd(output),
    cacheRead: nanoUsd(cacheRead),
    cacheWrite: nanoUsd(cacheWrite),
    ...(hour !== undefined && { cacheWrite1h: nanoUsd(hour) }),
    description,
    isExported: true,
  }
  return [model, price] as const
}

function nanoUsd(usd: string): number {
  const amount = parseUsd(usd)
  if (amount === undefined) throw new RangeError(`${usd} is no price`)
  return amount
}
