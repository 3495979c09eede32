import assert from 'node:assert/strict'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createSettingStore } from '../../../proxy/store/settings.ts'
import { testEngines } from '../../support/database.ts'

testEngines('a setting is what it was set to, until it is reset', async (_t, { database, openAgain }) => {
  const settings = createSettingStore(database)
  assert.equal(await settings.get('failover.rules'), undefined)
  const values = [{ a: [1, null, "it's $1 :x ?", 'ä'] }, [], '', 0, false, null]
  for (const value of values) {
    await settings.set('failover.rules', value)
    assert.deepEqual(await createSettingStore(await openAgain()).get('failover.rules'), value)
  }
  assert.deepEqual([await settings.remove('failover.rules'), await settings.remove('failover.rules')], [true, false])
  assert.equal(await settings.get('failover.rules'), undefined)
})

testEngines('settings are read together by the beginning of their names', async (_t, { database }) => {
  const settings = createSettingStore(database)
  for (const name of ['pool.chat', 'pool.messages', 'pools', 'Pool.x', 'p%']) await settings.set(name, name)
  const names = async (prefix: string): Promise<string[]> => [...(await settings.all(prefix)).keys()].toSorted()
  assert.deepEqual(await names('pool.'), ['pool.chat', 'pool.messages'])
  assert.deepEqual(await names('p%'), ['p%'])
  assert.deepEqual(await names(''), ['Pool.x', 'p%', 'pool.chat', 'pool.messages', 'pools'])
  assert.deepEqual(await names('nothing'), [])
})

testEngines('the revision is no setting: it only counts changes', async (_t, { database }) => {
  const settings = createSettingStore(database)
  const revisions = [Number(await readRevision(database))]
  const look = async (): Promise<void> => void revisions.push(Number(await readRevision(database)))
  await settings.set('a', 1).then(look)
  await settings.set('a', 1).then(look)
  await settings.remove('a').then(look)
  const start = revisions[0] ?? NaN
  assert.deepEqual(revisions, [start, start + 1, start + 2, start + 3])
  await settings.remove('a')
  await assert.rejects(settings.set('revision', 0), TypeError)
  await assert.rejects(settings.remove('revision'), TypeError)
  assert.equal(await settings.get('revision'), undefined)
  assert.equal(Number(await readRevision(database)), start + 3)
})

testEngines('what a database refuses of settings is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE settings RENAME TO away')
  const settings = createSettingStore(database)
  for (const [operation, work] of [
    ['read the settings', () => settings.get('a')],
    ['set a setting', () => settings.set('a', 1)],
    ['reset a setting', () => settings.remove('a')],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
