import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchRevision } from '../../../proxy/store/revision.ts'
import { keyFields, markOf, openDatabase } from '../../support/database.ts'
import { unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'

const NEVER_MS = 3_600_000

test('a watch tells of every change of a key, and of nothing else', async (t) => {
  const { database, keys } = await openDatabase(t)
  let changes = 0
  const onChange = async (): Promise<void> => {
    changes += 1
    await Promise.resolve()
  }
  const watch = watchRevision(database, NEVER_MS, onChange, unexpected)
  t.after(() => watch.stop())
  await watch.check()
  await watch.check()
  assert.equal(changes, 0)
  for (const change of [
    () => keys.create('key-9', keyFields(), markOf('secret'), 0),
    () => keys.setStatus('key-1', 'disabled'),
    () => keys.rotate('key-1', markOf('new secret')),
  ]) {
    const before: number = changes
    await change()
    await watch.check()
    assert.equal(changes, before + 1)
    await watch.check()
    assert.equal(changes, before + 1)
  }
  await assert.rejects(keys.create('key-9', keyFields(), markOf('secret'), 0))
  await watch.check()
  assert.equal(changes, 3, 'what was not changed is not told')
})

test('a change that could not be told is told again', async (t) => {
  const { database, keys } = await openDatabase(t)
  const errors: unknown[] = []
  let attempts = 0
  const watch = watchRevision(
    database,
    5,
    async () => {
      attempts += 1
      if (attempts < 3) throw new Error(`attempt ${attempts}`)
      await Promise.resolve()
    },
    (error) => errors.push(error),
  )
  t.after(() => watch.stop())
  await watch.check()
  await keys.setStatus('key-1', 'revoked')
  await until('it was told', () => attempts === 3)
  assert.deepEqual(errors.map(String), ['Error: attempt 1', 'Error: attempt 2'])
})

test('a change before the first look that worked is told', async (t) => {
  const { database, keys } = await openDatabase(t)
  const settings = (from: string, to: string) => database.sequelize.query(`ALTER TABLE ${from} RENAME TO ${to}`)
  await settings('settings', 'away')
  let changes = 0
  const onChange = async (): Promise<void> => {
    changes += 1
    await Promise.resolve()
  }
  const watch = watchRevision(database, NEVER_MS, onChange, () => undefined)
  t.after(() => watch.stop())
  await assert.rejects(watch.check())
  await settings('away', 'settings')
  await keys.setStatus('key-1', 'revoked')
  await watch.check()
  await watch.check()
  assert.equal(changes, 1)
})

test('an outage is told once, and the next one again', async (t) => {
  const { database } = await openDatabase(t)
  const query = database.sequelize.query.bind(database.sequelize)
  let [looks, isAway] = [0, true]
  t.mock.method(database.sequelize, 'query', (...asked: Parameters<typeof query>) => {
    looks += 1
    return isAway ? Promise.reject(new Error('away')) : query(...asked)
  })
  const errors: unknown[] = []
  const nothing = async (): Promise<void> => Promise.resolve()
  const watch = watchRevision(database, 1, nothing, (error) => errors.push(error))
  t.after(() => watch.stop())
  for (const outage of [1, 2]) {
    for (isAway of [true, false]) {
      const before: number = looks
      await until('several looks', () => looks > before + 5)
    }
    assert.equal(errors.length, outage)
  }
})
