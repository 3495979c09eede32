import { type Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { formatUsd } from '../domain/money.ts'
import { cachePrices, hourPrice, type ModelPrice } from '../domain/price.ts'
import type { DefaultsLoaded } from '../store/load-defaults.ts'
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
  readonly cacheWrite1h?: number
  readonly description?: string
  readonly listed?: 'yes' | 'no'
}

type WithPriceStore = (work: (store: PriceStore) => Promise<void>) => Promise<void>

export function addPriceCommands(program: Command, env: Environment): void {
  const prices = program
    .command('prices')
    .description('What models cost, in USD for a million tokens. A running proxy notices at once.')
  const withStore: WithPriceStore = (work) => withPrices(readConfig(env), work)

  prices
    .command('list')
    .description('List prices by the names of their models.')
    .option('--json', 'print JSON')
    .action(({ json }: WriteOptions) =>
      withStore(async (store) => {
        const all = [...(await store.list())]
        if (json) print(JSON.stringify(all.map(priceJson), null, 2))
        else print(all.length === 0 ? 'There are no prices: tollgate prices load-defaults' : priceTable(all))
      }),
    )

  addSetCommand(prices, withStore)
  addLoadCommand(prices, withStore)

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

function addSetCommand(prices: Command, withStore: WithPriceStore): void {
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
    .option('--cache-write-1h <usd>', 'what is kept for an hour; 1.6 times --cache-write where it is left out', usd)
    .option('--description <text>', 'for people; where it is left out it stays', nonEmpty)
    .addOption(
      new Option(
        '--listed <answer>',
        'whether GET /v1/models lists the model; yes where that was never said, else it stays',
      ).choices(['yes', 'no']),
    )
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((model: string, options: SetOptions) => withStore((store) => set(store, model, options)))
}

async function set(store: PriceStore, model: string, options: SetOptions): Promise<void> {
  const { json, dryRun, input, output, cacheRead, cacheWrite, cacheWrite1h, description, listed } = options
  const price = {
    ...cachePrices(input),
    input,
    output,
    ...(cacheRead !== undefined && { cacheRead }),
    ...(cacheWrite !== undefined && { cacheWrite }),
    ...(cacheWrite1h !== undefined && { cacheWrite1h }),
    ...(description !== undefined && { description }),
    ...(listed !== undefined && { isExported: listed === 'yes' }),
  }
  const { description: before = '', isExported = true } = (await store.list()).get(model) ?? {}
  if (!dryRun) await store.set(model, price)
  if (json) print(JSON.stringify(priceJson([model, { description: before, isExported, ...price }]), null, 2))
  else print(dryRun ? `${model} would have a price.` : `${model} has a price.`)
}

function addLoadCommand(prices: Command, withStore: WithPriceStore): void {
  prices
    .command('load-defaults')
    .description('Give a price to the models of the list that comes with this program and that have none.')
    .option('--overwrite', 'also to those that have another price than in the list')
    .option('--json', 'print JSON')
    .option('--dry-run', 'tell which, write nothing')
    .action(({ overwrite, json, dryRun }: WriteOptions & { readonly overwrite?: true }) =>
      withStore(async (store) => {
        const loaded = await store.loadDefaults(overwrite ? 'all' : 'missing', dryRun)
        print(json ? JSON.stringify(loaded, null, 2) : sentenceOf(loaded, dryRun))
      }),
    )
}

function sentenceOf({ version, added, replaced }: DefaultsLoaded, dryRun: true | undefined): string {
  const counts = `${dryRun ? 'Would add' : 'Added'} ${added.length} and ${dryRun ? 'replace' : 'replaced'} ${replaced.length}`
  return [`${counts} prices from the list of ${version}.`, ...added, ...replaced].join('\n')
}

type Priced = readonly [model: string, price: ModelPrice]

/** For programs: texts, since a number would be a floating-point number to who reads it. */
function priceJson([model, price]: Priced): object {
  const { input, cacheRead, cacheWrite, output, description, isExported } = price
  return {
    model,
    inputUsd: formatUsd(input),
    cacheReadUsd: formatUsd(cacheRead),
    cacheWriteUsd: formatUsd(cacheWrite),
    cacheWrite1hUsd: formatUsd(hourPrice(price)),
    outputUsd: formatUsd(output),
    description,
    isListed: isExported,
  }
}

function priceTable(prices: readonly Priced[]): string {
  const header = ['MODEL', 'INPUT', 'CACHE READ', 'CACHE WRITE', 'FOR AN HOUR', 'OUTPUT', 'LISTED', 'DESCRIPTION']
  const rows = prices.map(([model, price]) => {
    const { input, cacheRead, cacheWrite, output, isExported, description } = price
    const amounts = [input, cacheRead, cacheWrite, hourPrice(price), output].map(formatUsd)
    return [model, ...amounts, isExported ? 'yes' : 'no', description]
  })
  return columns([header, ...rows])
}
