import assert from 'node:assert/strict'
import { AliasTaken } from '../../../proxy/domain/config-refusal.ts'
import { createAliasStore } from '../../../proxy/store/aliases.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { testEngines } from '../../support/database.ts'

testEngines('the model aliases of a pool are replaced as a whole, and keep their order', async (_t, { database }) => {
  const aliases = createAliasStore(database)
  const list = async () =>
    (await aliases.listModels()).map(({ pool, value, description }) => [pool, value, description])
  const messages = [
    { value: 'sonnet', description: 'the usual' },
    { value: 'haiku', description: '' },
    { value: 'sonnet', description: 'again' },
  ]
  await aliases.replaceModels({ messages, chat: [{ value: 'gpt', description: '' }] })
  assert.deepEqual(await list(), [
    ['chat', 'gpt', ''],
    ['messages', 'sonnet', 'the usual'],
    ['messages', 'haiku', ''],
  ])
  await aliases.replaceModels({ messages: [{ value: 'opus', description: 'ö' }] })
  assert.deepEqual(await list(), [
    ['chat', 'gpt', ''],
    ['messages', 'opus', 'ö'],
  ])
  await aliases.replaceModels({ chat: [] })
  assert.deepEqual(await list(), [['messages', 'opus', 'ö']])
})

testEngines('a user has one alias, and an alias is of one user', async (_t, { database }) => {
  const aliases = createAliasStore(database)
  await aliases.putUser({ userId: 'b', alias: 'Жанна' })
  await aliases.putUser({ userId: 'a', alias: 'Ann' })
  await aliases.putUser({ userId: 'a', alias: 'Anna' })
  await aliases.putUser({ userId: 'a', alias: 'Anna' })
  await assert.rejects(aliases.putUser({ userId: 'b', alias: 'Anna' }), AliasTaken)
  assert.deepEqual(await aliases.listUsers(), [
    { userId: 'a', alias: 'Anna' },
    { userId: 'b', alias: 'Жанна' },
  ])
  assert.deepEqual([await aliases.removeUser('a'), await aliases.removeUser('a')], [true, false])
  assert.deepEqual(await aliases.listUsers(), [{ userId: 'b', alias: 'Жанна' }])
})

testEngines('many aliases are imported at once, or none of them', async (_t, { database }) => {
  const aliases = createAliasStore(database)
  const many = Array.from({ length: 1201 }, (_, place) => ({ userId: `user ${place}`, alias: `alias ${place}` }))
  assert.equal(await aliases.importUsers(many), 1201)
  assert.equal(await aliases.importUsers(many), 1201)
  assert.equal((await aliases.listUsers()).length, 1201)
  const revision = await readRevision(database)
  const taken = [
    ...many.map(({ userId, alias }) => ({ userId, alias: `new ${alias}` })),
    { userId: 'x', alias: 'new alias 0' },
  ]
  await assert.rejects(aliases.importUsers(taken), AliasTaken)
  assert.deepEqual(
    (await aliases.listUsers()).find(({ userId }) => userId === 'user 0'),
    many[0],
  )
  assert.equal(await readRevision(database), revision)
})

testEngines('two users may change their aliases with one another', async (_t, { database }) => {
  const aliases = createAliasStore(database)
  await aliases.importUsers([
    { userId: 'a', alias: 'one' },
    { userId: 'b', alias: 'two' },
  ])
  const swapped = [
    { userId: 'a', alias: 'two' },
    { userId: 'b', alias: 'one' },
  ]
  assert.equal(await aliases.importUsers([{ userId: 'a', alias: 'three' }, ...swapped]), 2)
  assert.deepEqual(await aliases.listUsers(), swapped)
})

testEngines('running proxies are told of every change of an alias, and of nothing else', async (_t, { database }) => {
  const aliases = createAliasStore(database)
  const start = Number(await readRevision(database))
  await aliases.replaceModels({ chat: [], messages: [] })
  await aliases.putUser({ userId: 'a', alias: 'one' })
  await aliases.importUsers([{ userId: 'b', alias: 'two' }])
  await aliases.removeUser('a')
  await aliases.removeUser('a')
  await assert.rejects(aliases.putUser({ userId: 'a', alias: 'two' }), AliasTaken)
  assert.equal(Number(await readRevision(database)), start + 4)
})

testEngines('what a database refuses of aliases is told as a storage error', async (_t, { database, query }) => {
  for (const table of ['model_aliases', 'user_aliases']) await query(`ALTER TABLE ${table} RENAME TO away_${table}`)
  const aliases = createAliasStore(database)
  for (const [operation, work] of [
    ['list the aliases of models', () => aliases.listModels()],
    ['replace the aliases of models', () => aliases.replaceModels({ chat: [] })],
    ['list the aliases of users', () => aliases.listUsers()],
    ['set the alias of a user', () => aliases.putUser({ userId: 'a', alias: 'one' })],
    ['remove the alias of a user', () => aliases.removeUser('a')],
    ['import aliases of users', () => aliases.importUsers([{ userId: 'a', alias: 'one' }])],
  ] as const) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
