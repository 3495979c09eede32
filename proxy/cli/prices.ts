import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { formatUsd } from '../domain/money.ts'
import { cachePrices, type Price } from '../domain/price.ts'
import type { PriceStore } from '../store/prices.ts'
import { CommandError, type Environment } from './errors.ts'
import { columns } from './columns.ts'
import { nonEmpty, usd } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'
import { withPrices } from './with-storage.ts'

interface SetOptions extends WriteOptions {
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
}

export function addPriceCommands(program: Command, env: Environment): void {
  const prices = program
    .command('prices')
    .description('What models cost, in USD for a million tokens. A running proxy notices at once.')
  const withStore = (work: (store: PriceStore) => Promise<void>): Promise<void> => withPrices(readConfig(env), work)

  prices
    .command('list')
    .description('List prices by the names of their models.')
    .option('--json', 'print JSON')
    .action(({ json }: WriteOptions) =>
      withStore(async (store) => {
        const all = [...(await store.list())]
        if (json) print(JSON.stringify(all.map(priceJson), null, 2))
        else print(all.length === 0 ? 'There are no prices: tollgate prices set MODEL …' : priceTable(all))
      }),
    )

  prices
    .command('set')
    .argument('<model>', 'its name, or what the names of several begin with', nonEmpty)
    .description(
      'Set the price of a model, and of those without a price of their own whose names begin with its name. It counts for calls from now on.',
    )
    .requiredOption('--input <usd>', 'input that is neither read from nor written to a cache', usd)
    .requiredOption('--output <usd>', 'output, reasoning included', usd)
    .option('--cache-read <usd>', 'input that is read from a cache; a tenth of --input where it is left out', usd)
    .option('--cache-write <usd>', 'input that is written to a cache; 1.25 times --input where it is left out', usd)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((model: string, options: SetOptions) => {
      const { json, dryRun, input, output, cacheRead, cacheWrite } = options
      const price = {
        ...cachePrices(input),
        input,
        output,
        ...(cacheRead !== undefined && { cacheRead }),
        ...(cacheWrite !== undefined && { cacheWrite }),
      }
      return withStore(async (store) => {
        if (!dryRun) await store.set(model, price)
        if (json) print(JSON.stringify(priceJson([model, price]), null, 2))
        else print(dryRun ? `${model} would have a price.` : `${model} has a price.`)
      })
    })

  prices
    .command('remove <model>')
    .description('Take the price of a model away: its calls are unpriced from now on.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((model: string, { json, dryRun }: WriteOptions) =>
      withStore(async (store) => {
        const price = (await store.list()).get(model)
        const isGone = price === undefined || !(dryRun || (await store.remove(model)))
        if (isGone) throw new CommandError(`${model} has no price. tollgate prices list shows all that there are.`)
        if (json) print(JSON.stringify(priceJson([model, price]), null, 2))
        else print(dryRun ? `${model} would have no price.` : `${model} has no price any more.`)
      }),
    )
}

type Priced = readonly [model: string, price: Price]

/** For programs: texts, since a number would be a floating-point number to who reads it. */
function priceJson([model, price]: Priced): object {
  const { input, cacheRead, cacheWrite, output } = price
  return {
    model,
    inputUsd: formatUsd(input),
    cacheReadUsd: formatUsd(cacheRead),
    cacheWriteUsd: formatUsd(cacheWrite),
    outputUsd: formatUsd(output),
  }
}

function priceTable(prices: readonly Priced[]): string {
  const header = ['MODEL', 'INPUT', 'CACHE READ', 'CACHE WRITE', 'OUTPUT']
  const rows = prices.map(([model, { input, cacheRead, cacheWrite, output }]) => [
    model,
    ...[input, cacheRead, cacheWrite, output].map(formatUsd),
  ])
  return columns([header, ...rows])
}
