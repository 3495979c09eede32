import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Price } from '../../../proxy/domain/price.ts'
import { createPriceBook, createPriceStore } from '../../../proxy/store/prices.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { testEngines } from '../../support/database.ts'

const PRICE: Price = { input: 3_000_000_000, cacheRead: 300_000_000, cacheWrite: 3_750_000_000, output: 15_000_000_000 }
const LARGE: Price = { input: 10 ** 15, cacheRead: 0, cacheWrite: 1, output: 1.25 * 10 ** 15 }

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
      ['Zeta', PRICE],
      ['claude', PRICE],
      ['модель', LARGE],
    ],
  )
  assert.deepEqual([await prices.remove('claude'), await prices.remove('claude')], [true, false])
  assert.deepEqual([...(await prices.list()).keys()], ['Zeta', 'модель'])
})

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

testEngines('the prices in memory are those of the last reload', async (_t, { database }) => {
  const prices = createPriceStore(database)
  await prices.set('claude', PRICE)
  const book = createPriceBook(prices)
  assert.equal(book.priceOf('claude'), undefined)
  await book.reload()
  assert.deepEqual([book.priceOf('claude-x'), book.priceOf('gpt'), book.priceOf(null)], [PRICE, undefined, undefined])
  await prices.set('claude-x', LARGE)
  assert.deepEqual(book.priceOf('claude-x'), PRICE)
  await book.reload()
  assert.deepEqual(book.priceOf('claude-x'), LARGE)
})

test('prices that cannot be read again are those that were read before', async () => {
  let isAway = false
  const book = createPriceBook({
    list: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(new Map([['claude', PRICE]]))),
  })
  await book.reload()
  isAway = true
  await assert.rejects(book.reload(), /away/)
  assert.deepEqual(book.priceOf('claude'), PRICE)
})

testEngines('what a database refuses of prices is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE model_pricing RENAME TO away')
  const prices = createPriceStore(database)
  for (const [operation, work] of [
    ['read the prices', () => prices.list()],
    ['set a price', () => prices.set('claude', PRICE)],
    ['remove a price', () => prices.remove('claude')],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
