import type { Transaction } from 'sequelize'
import { createPriceLookup } from '../domain/price-lookup.ts'
import type { ModelPrice, Price, Prices } from '../domain/price.ts'
import { changeBesideKeys, told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { DEFAULT_PRICES_VERSION, defaultPrices } from './default-prices.ts'
import { readPrices, writePrice } from './price-rows.ts'

/**
 * `unseen`: for a start, what this store was never offered and nobody has priced under another name. `missing`: what has
 * no price. `all`: that, and whatever has another price than the list.
 */
export type WhichDefaults = 'unseen' | 'missing' | 'all'

/** The names of the models, in order. */
export interface DefaultsLoaded {
  /** The date of the list. */
  readonly version: string
  readonly added: readonly string[]
  readonly replaced: readonly string[]
}

/** What a store was offered: a price that an administrator has removed does not come back with the next start. */
interface Offered {
  readonly version: string
  readonly models: readonly string[]
}

/** The setting that remembers it. */
const OFFERED = 'default_prices'
const OPERATION = 'load the default prices'

export async function loadDefaults(
  database: Database,
  which: WhichDefaults,
  isDryRun: boolean,
): Promise<DefaultsLoaded> {
  if (isDryRun) return loadedOf(await told(OPERATION, plan(database, which)))
  // Every start asks; without a newer list it must neither wait for other writers nor tell them anything.
  const isSeen = which === 'unseen' && isOld((await told(OPERATION, readOffered(database))).version)
  if (isSeen) return { version: DEFAULT_PRICES_VERSION, added: [], replaced: [] }
  return changeBesideKeys(database, OPERATION, undefined, async (transaction) => {
    const planned = await plan(database, which, transaction)
    for (const [model, { isExported: _stays, description, ...price }] of planned.chosen) {
      await writePrice(database, transaction, model, { ...price, ...(description !== '' && { description }) })
    }
    await writeOffered(database, transaction, planned.offered)
    return loadedOf(planned)
  })
}

interface Plan {
  readonly prices: Prices
  readonly offered: Offered
  readonly chosen: readonly (readonly [model: string, price: ModelPrice])[]
}

async function plan(database: Database, which: WhichDefaults, transaction?: Transaction): Promise<Plan> {
  const offered = await readOffered(database, transaction)
  const prices = await readPrices(database, transaction)
  const isChosen = { unseen: isUnseenIn(prices, offered), missing: isMissing, all: isDifferent }[which]
  return {
    prices,
    offered,
    chosen: [...defaultPrices].filter(([model, price]) => isChosen(prices.get(model), price, model)),
  }
}

type Choice = (known: Price | undefined, price: Price, model: string) => boolean

const isMissing: Choice = (known) => known === undefined

const kinds = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'output'] as const
const isDifferent: Choice = (known, price) => known === undefined || kinds.some((kind) => known[kind] !== price[kind])

/** A longer name from the list would take a model away from the price that an administrator gave to what it begins with. */
function isUnseenIn(prices: Prices, { version, models }: Offered): Choice {
  const seen = new Set(models)
  const priceByHand = createPriceLookup(new Map([...prices].filter(([model]) => !seen.has(model))))
  return (_known, _price, model) => !isOld(version) && !seen.has(model) && priceByHand(model) === undefined
}

/** Whether a store that was offered this version has nothing to learn from our list. */
function isOld(version: string): boolean {
  return version >= DEFAULT_PRICES_VERSION
}

function loadedOf({ prices, chosen }: Plan): DefaultsLoaded {
  const models = chosen.map(([model]) => model).toSorted()
  return {
    version: DEFAULT_PRICES_VERSION,
    added: models.filter((model) => !prices.has(model)),
    replaced: models.filter((model) => prices.has(model)),
  }
}

async function readOffered(database: Database, transaction?: Transaction): Promise<Offered> {
  const find = `SELECT value FROM ${tableOf(database, 'settings')} WHERE name = $1`
  const [row] = await select<{ value: string }>(database, find, [OFFERED], transaction)
  return row ? (JSON.parse(row.value) as Offered) : { version: '', models: [] } // safe: written below
}

/** A process of an older program has an older list: it takes nothing back from what is known. */
async function writeOffered(database: Database, transaction: Transaction, { version, models }: Offered): Promise<void> {
  const offered: Offered = {
    version: isOld(version) ? version : DEFAULT_PRICES_VERSION,
    models: [...new Set([...models, ...defaultPrices.keys()])],
  }
  const upsert = `INSERT INTO ${tableOf(database, 'settings')} (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`
  await run(database, upsert, [OFFERED, JSON.stringify(offered)], transaction)
}
