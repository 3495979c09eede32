import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RevisionConflict } from '../../../proxy/domain/config-refusal.ts'
import type { ModelPrice, Price } from '../../../proxy/domain/price.ts'
import { createPriceBook, createPriceStore } from '../../../proxy/store/prices.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { testEngines } from '../../support/database.ts'

const PRICE: Price = { input: 3_000_000_000, cacheRead: 300_000_000, cacheWrite: 3_750_000_000, output: 15_000_000_000 }
const LARGE: Price = { input: 10 ** 15, cacheRead: 0, cacheWrite: 1, cacheWrite1h: 0, output: 1.25 * 10 ** 15 }

function listed(price: Price, listing: Partial<ModelPrice> = {}): ModelPrice {
  return { ...price, description: '', isExported: true, ...listing }
}

testEngines('a price is kept as it was set, in place of the one before', async (_t, { database }) => {
  const prices = createPriceStore(database)
  assert.deepEqual(await prices.list(), new Map())
  await prices.set('модель', LARGE)
  await prices.set('claude', LARGE)
  await prices.set('claude', PRICE)
  await prices.set('Zeta', PRICE)
  assert.deepEqual(
    [...(await prices.list())],
    [
      ['Zeta', listed(PRICE)],
      ['claude', listed(PRICE)],
      ['модель', listed(LARGE)],
    ],
  )
  assert.deepEqual([await prices.remove('claude'), await prices.remove('claude')], [true, false])
  assert.deepEqual([...(await prices.list()).keys()], ['Zeta', 'модель'])
})

testEngines(
  'what is said of a model besides its price stays until something else is said',
  async (_t, { database }) => {
    const prices = createPriceStore(database)
    const set = async (price: Price & Partial<ModelPrice>): Promise<ModelPrice | undefined> => {
      await prices.set('claude', price)
      return (await prices.list()).get('claude')
    }
    const hidden = { description: "for 'most' work", isExported: false }
    assert.deepEqual(await set({ ...PRICE, ...hidden }), listed(PRICE, hidden))
    assert.deepEqual(await set(LARGE), listed(LARGE, hidden))
    assert.deepEqual(await set({ ...PRICE, isExported: true }), listed(PRICE, { description: hidden.description }))
    assert.deepEqual(await set({ ...PRICE, description: '' }), listed(PRICE))
  },
)

testEngines('running proxies are told of every change of a price, and of nothing else', async (_t, { database }) => {
  const prices = createPriceStore(database)
  const seen = [await readRevision(database)]
  const look = async (): Promise<void> => void seen.push(await readRevision(database))
  await prices.set('claude', PRICE).then(look)
  await prices.set('claude', LARGE).then(look)
  await prices.remove('claude').then(look)
  assert.equal(new Set(seen).size, 4)
  await prices.remove('claude').then(look)
  await prices.list().then(look)
  assert.deepEqual([seen[4], seen[5]], [seen[3], seen[3]])
})

testEngines('a change that was made for another configuration is refused', async (_t, { database }) => {
  const prices = createPriceStore(database)
  const before = await readRevision(database)
  await prices.set('claude', PRICE, before)
  await assert.rejects(prices.set('claude', LARGE, before), RevisionConflict)
  await assert.rejects(prices.remove('claude', before), RevisionConflict)
  assert.deepEqual((await prices.list()).get('claude'), listed(PRICE))
  assert.equal(await prices.remove('claude', await readRevision(database)), true)
})

testEngines('the prices in memory are those that were loaded last', async (_t, { database }) => {
  const prices = createPriceStore(database)
  await prices.set('claude', PRICE)
  const book = createPriceBook()
  assert.equal(book.priceOf('claude'), undefined)
  book.load(await prices.list())
  assert.deepEqual(
    [book.priceOf('claude-x'), book.priceOf('gpt'), book.priceOf(null)],
    [listed(PRICE), undefined, undefined],
  )
  await prices.set('claude-x', LARGE)
  assert.deepEqual(book.priceOf('claude-x'), listed(PRICE))
  book.load(await prices.list())
  assert.deepEqual(book.priceOf('claude-x'), listed(LARGE))
})

test('a call is priced by the model that answered or, where that has no price, by the one that was asked for', () => {
  const book = createPriceBook()
  const prices = { claude: listed(PRICE), gpt: listed(LARGE) }
  book.load(new Map(Object.entries(prices)))
  assert.deepEqual(book.priceFor('claude-x', 'gpt'), { price: listed(PRICE), isByRequestModel: false })
  assert.deepEqual(book.priceFor('other', 'gpt'), { price: listed(LARGE), isByRequestModel: true })
  assert.deepEqual(book.priceFor(null, 'gpt'), { price: listed(LARGE), isByRequestModel: true })
  assert.deepEqual(book.priceFor('claude', null), { price: listed(PRICE), isByRequestModel: false })
  assert.deepEqual([book.priceFor('other', 'other'), book.priceFor(null, null)], [undefined, undefined])
})

testEngines('what a database refuses of prices is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE model_pricing RENAME TO away')
  const prices = createPriceStore(database)
  for (const [operation, work] of [
    ['read the prices', () => prices.list()],
    ['set a price', () => prices.set('claude', PRICE)],
    ['remove a price', () => prices.remove('claude')],
    ['load the default prices', () => prices.loadDefaults('all')],
    ['load the default prices', () => prices.loadDefaults('all', true)],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
