import assert from 'node:assert/strict'
import { RevisionConflict } from '../../../proxy/domain/config-refusal.ts'
import { createAliasStore } from '../../../proxy/store/aliases.ts'
import type { Database } from '../../../proxy/store/database.ts'
import { readKeyRevision, readRevision } from '../../../proxy/store/revision.ts'
import { PLAIN_TENANT } from '../../../proxy/domain/tenant.ts'
import { createSettingStore } from '../../../proxy/store/settings.ts'
import { createTenantStore } from '../../../proxy/store/tenants.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'

const NOW = 1_800_000_000_000

testEngines('of writers that have read the same revision one wins, and leaves its change alone', async (_t, store) => {
  const { database, openAgain } = store
  const databases = [database, await openAgain(), await openAgain()]
  for (let round = 0; round < 5; round += 1) {
    const revision = await readRevision(database)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 9 }, (_, writer) => {
        const settings = createSettingStore(databases[writer % databases.length] ?? database)
        return settings.set('who', writer, revision).then(() => writer)
      }),
    )
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    assert.equal(winners.length, 1)
    assert.ok(outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason instanceof RevisionConflict))
    assert.equal(await createSettingStore(database).get('who'), winners[0])
    assert.equal(Number(await readRevision(database)), Number(revision) + 1)
  }
})

testEngines('writers that expect nothing all win, one after the other', async (_t, { database, openAgain }) => {
  const databases: readonly Database[] = [database, await openAgain()]
  const before = Number(await readRevision(database))
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, writer) => {
      const channels = channelsIn(databases[writer % 2] ?? database)
      return channels.create(channelInput({ name: `channel ${writer}`, keys: ['one'] }), NOW)
    }),
  )
  assert.deepEqual(
    made.map(({ position }) => position).toSorted((one, other) => one - other),
    made.map((_, place) => place + 1),
  )
  assert.equal(Number(await readRevision(database)), before + made.length)
})

testEngines('every change can be told the revision that it expects', async (_t, { database }) => {
  const channels = channelsIn(database)
  const settings = createSettingStore(database)
  const aliases = createAliasStore(database)
  const { id, keys } = await channels.create(channelInput({ keys: ['one'] }), NOW)
  const keyId = keys[0]?.id ?? ''
  const old = await readRevision(database)
  await settings.set('meanwhile', true)
  const state = async () => [await readRevision(database), await channels.list(), await settings.all('')]
  const before = await state()
  const changes: readonly ((revision: string) => Promise<unknown>)[] = [
    (revision) => channels.create(channelInput({ name: 'b' }), NOW, revision),
    (revision) => channels.update(id, { rpm: 1 }, NOW, revision),
    (revision) => channels.setStatus(id, 'disabled', NOW, revision),
    (revision) => channels.promote(id, NOW, revision),
    (revision) => channels.keys.add(id, ['two'], NOW, revision),
    (revision) => channels.keys.move(id, keyId, 'bottom', revision),
    (revision) => channels.keys.remove(id, keyId, revision),
    (revision) => settings.set('a', 1, revision),
    (revision) => settings.remove('meanwhile', revision),
    (revision) => aliases.replaceModels({ chat: [{ value: 'gpt', description: '' }] }, revision),
    (revision) => aliases.putUser({ userId: 'u', alias: 'a' }, revision),
    (revision) => aliases.importUsers([{ userId: 'v', alias: 'b' }], revision),
    (revision) => aliases.removeUser('u', revision),
    async (revision) => {
      const ids = (await channels.list()).map((channel) => channel.id)
      await channels.reorder('messages', ids.toReversed(), revision)
    },
    (revision) => channels.remove(id, revision),
  ]
  for (const change of changes) await assert.rejects(change(old), RevisionConflict)
  assert.deepEqual(await state(), before)
  const ofKeys = await readKeyRevision(database)
  for (const change of changes) await change(await readRevision(database))
  assert.equal(Number(await readRevision(database)), Number(before[0]) + changes.length)
  assert.equal(await readKeyRevision(database), ofKeys, 'no key depends on any of that')
})

testEngines('whatever a key may depend on moves the revision of the keys', async (_t, { database, keys }) => {
  const tenants = createTenantStore(database)
  const changes: readonly (() => Promise<unknown>)[] = [
    () => tenants.create('blue', { ...PLAIN_TENANT, name: 'blue' }, NOW),
    () => keys.update('key-1', { tenantId: 'blue' }, NOW),
    () => tenants.update('blue', { status: 'disabled' }, NOW),
    () => tenants.reset('blue', NOW),
    () => keys.setStatus('key-2', 'revoked', NOW),
  ]
  for (const change of changes) {
    const before = await readKeyRevision(database)
    await change()
    assert.notEqual(await readKeyRevision(database), before)
  }
})
