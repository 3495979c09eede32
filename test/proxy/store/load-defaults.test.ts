import assert from 'node:assert/strict'
import type { Price } from '../../../proxy/domain/price.ts'
import { type Database, run, tableOf } from '../../../proxy/store/database.ts'
import { defaultPrices, DEFAULT_PRICES_VERSION } from '../../../proxy/store/default-prices.ts'
import { createPriceStore } from '../../../proxy/store/prices.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { testEngines } from '../../support/database.ts'

const OWN: Price = { input: 1, cacheRead: 1, cacheWrite: 1, output: 1 }
const ALL = [...defaultPrices.keys()].toSorted()
const NOTHING = { version: DEFAULT_PRICES_VERSION, added: [], replaced: [] }

testEngines('a new store has the default prices from its first start on', async (_t, { database }) => {
  const prices = createPriceStore(database)
  const before = await readRevision(database)
  assert.deepEqual(await prices.loadDefaults('unseen'), { ...NOTHING, added: ALL })
  assert.deepEqual(
    await prices.list(),
    new Map([...defaultPrices].toSorted(([one], [other]) => (one < other ? -1 : 1))),
  )
  assert.notEqual(await readRevision(database), before, 'running proxies are told')
})

testEngines(
  'a start brings back nothing that was removed and changes nothing that was set',
  async (_t, { database }) => {
    const prices = createPriceStore(database)
    await prices.loadDefaults('unseen')
    await prices.remove('claude-opus-5')
    await prices.set('gpt-4.1', OWN)
    const before = [await prices.list(), await readRevision(database)]
    assert.deepEqual(await prices.loadDefaults('unseen'), NOTHING)
    assert.deepEqual([await prices.list(), await readRevision(database)], before, 'and nobody is told of anything')
  },
)

testEngines('a store that had prices before it knew of a list keeps to them', async (_t, { database }) => {
  const prices = createPriceStore(database)
  await prices.set('claude', OWN)
  await prices.set('gpt-4.1-mini', OWN)
  const { added } = await prices.loadDefaults('unseen')
  assert.deepEqual(
    added,
    ALL.filter((model) => !model.startsWith('claude') && model !== 'gpt-4.1-mini'),
    'a longer name would take a model away from the price that begins it',
  )
  const after = await prices.list()
  assert.deepEqual([after.get('claude')?.input, after.get('gpt-4.1-mini')?.input], [1, 1])
})

/** As a program left it that had another list. */
function offeredBefore(database: Database, version: string, models: readonly string[]): Promise<void> {
  const insert = `INSERT INTO ${tableOf(database, 'settings')} (name, value) VALUES ('default_prices', $1)`
  return run(database, insert, [JSON.stringify({ version, models })])
}

testEngines('a newer list adds what it has more than the one before', async (_t, { database }) => {
  const prices = createPriceStore(database)
  // claude-fable-5 was loaded and kept, claude-opus-5 was loaded and removed.
  await prices.set('claude-fable-5', OWN)
  await offeredBefore(database, '2026-01-01', ['claude-fable-5', 'claude-opus-5', 'gone'])
  const { added, replaced } = await prices.loadDefaults('unseen')
  assert.deepEqual(
    added,
    ALL.filter((model) => model !== 'claude-fable-5' && model !== 'claude-opus-5'),
    'claude-fable-5-2 too, although a price that came from the list begins it',
  )
  assert.deepEqual(replaced, [])
  assert.equal((await prices.list()).get('claude-fable-5')?.input, 1)
  assert.deepEqual(await prices.loadDefaults('unseen'), NOTHING)
})

testEngines('an older program adds nothing to what a newer one has loaded', async (_t, { database, query }) => {
  const prices = createPriceStore(database)
  await offeredBefore(database, '9999-01-01', ['other'])
  assert.deepEqual(await prices.loadDefaults('unseen'), NOTHING)
  assert.deepEqual(await prices.loadDefaults('unseen', true), NOTHING)
  await prices.loadDefaults('missing') // which an administrator may still ask for
  const [row] = await query<{ value: string }>("SELECT value FROM settings WHERE name = 'default_prices'")
  const { version, models } = JSON.parse(row?.value ?? '') as { version: string; models: string[] }
  assert.deepEqual([version, models.length, models.includes('other')], ['9999-01-01', ALL.length + 1, true])
})

testEngines('who asks for the missing prices gets those that were removed, too', async (_t, { database }) => {
  const prices = createPriceStore(database)
  await prices.loadDefaults('unseen')
  await prices.remove('claude-opus-5')
  await prices.set('gpt-4.1', OWN)
  assert.deepEqual(await prices.loadDefaults('missing'), { ...NOTHING, added: ['claude-opus-5'] })
  assert.equal((await prices.list()).get('gpt-4.1')?.input, 1)
})

testEngines('who asks for all gets the list, beside the prices that are not in it', async (_t, { database }) => {
  const prices = createPriceStore(database)
  await prices.loadDefaults('unseen')
  await prices.remove('claude-opus-5')
  const own = { description: 'ours', isExported: false }
  await prices.set('gpt-4.1', { ...OWN, ...own })
  await prices.set('own', OWN)
  const expected = { ...NOTHING, added: ['claude-opus-5'], replaced: ['gpt-4.1'] }
  const before = await prices.list()
  assert.deepEqual(await prices.loadDefaults('all', true), expected)
  assert.deepEqual(await prices.list(), before, 'a dry run only tells')
  assert.deepEqual(await prices.loadDefaults('all'), expected)
  const after = await prices.list()
  assert.deepEqual(after.get('gpt-4.1'), { ...defaultPrices.get('gpt-4.1'), ...own })
  assert.deepEqual([after.size, after.get('own')?.input], [ALL.length + 1, 1])
  assert.deepEqual(await prices.loadDefaults('all'), NOTHING)
})

testEngines('processes that start together load the list once', async (t, { openAgain, database }) => {
  const stores = [createPriceStore(database)]
  if (database.engine === 'postgres')
    stores.push(createPriceStore(await openAgain()), createPriceStore(await openAgain()))
  else t.diagnostic('one process alone has a file')
  const loaded = await Promise.all([...stores, ...stores].map((prices) => prices.loadDefaults('unseen')))
  assert.deepEqual(
    loaded.map(({ added }) => added.length).toSorted((one, other) => one - other),
    [...loaded.slice(1).map(() => 0), ALL.length],
  )
})
