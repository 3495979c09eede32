import assert from 'node:assert/strict'
import { importDocument, newBackup, parseDocument } from '../../../proxy/admin/config-documents.ts'
import type { Cipher } from '../../../proxy/domain/cipher.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { createConfiguration } from '../../../proxy/store/configuration.ts'
import { run, tableOf } from '../../../proxy/store/database.ts'
import { channelOauthPlace } from '../../../proxy/store/secret-places.ts'
import { readSecretStatus, rotateSecrets } from '../../../proxy/store/stored-secrets.ts'
import { channelInput, channelsIn, NEW_KEY, OAUTH, OLD_KEY } from '../../support/channels.ts'
import { testEngines, type TestDatabase } from '../../support/database.ts'

const NOW = 1_800_000_000_000
/** More than are read at a time. */
const SECRETS = Array.from({ length: 450 }, (_, place) => `secret ${place}`)

const before = createCipher([OLD_KEY])
const during = createCipher([NEW_KEY, OLD_KEY])
const after = createCipher([NEW_KEY])

/** Channels with many keys, with one, with an OAuth token, and with nothing: 452 secrets. */
async function fill({ database }: TestDatabase): Promise<string> {
  const channels = channelsIn(database, before)
  await channels.create(channelInput({ name: 'many', keys: SECRETS }), NOW)
  await channels.create(channelInput({ name: 'one', keys: ['secret'], pool: 'chat' }), NOW)
  await channels.create(channelInput({ name: 'none' }), NOW)
  return (await channels.create(channelInput({ name: 'oauth', oauth: OAUTH }), NOW)).id
}

testEngines('secrets are under the first key after a rotation, and what they say is the same', async (_t, store) => {
  const { database } = store
  await fill(store)
  const all = await channelsIn(database, before).list()
  assert.deepEqual(await readSecretStatus(database, during), {
    byKeyId: new Map([[before.currentKeyId, 452]]),
    undecryptable: new Map(),
  })
  assert.deepEqual(await rotateSecrets(database, during), { rotated: 452, undecryptable: new Map() })
  assert.deepEqual(await readSecretStatus(database, after), {
    byKeyId: new Map([[after.currentKeyId, 452]]),
    undecryptable: new Map(),
  })
  assert.deepEqual(await channelsIn(database, after).list(), all)
  assert.deepEqual(await rotateSecrets(database, during), { rotated: 0, undecryptable: new Map() })
})

testEngines(
  'a rotation takes the copies of the configuration along, but for what was lost in them',
  async (_t, store) => {
    const { database } = store
    await fill(store)
    const { backups } = createConfiguration(database, before)
    await channelsIn(database, createCipher([Buffer.alloc(32, 3)])).create(
      channelInput({ name: 'lost', keys: ['x'] }),
      NOW,
    )
    const copy = newBackup({ id: ulid(), createdAt: NOW, createdBy: 'admin', note: 'a copy' })
    const { id } = await backups.add(copy)
    const document = await backups.find(id)
    assert.equal((await readSecretStatus(database, during)).byKeyId.get(before.currentKeyId), 2 * 452)
    const rotation = await rotateSecrets(database, during)
    assert.deepEqual([rotation.rotated, [...rotation.undecryptable.values()]], [2 * 452, [1]])
    assert.deepEqual((await readSecretStatus(database, after)).byKeyId, new Map([[after.currentKeyId, 2 * 452]]))
    assert.equal((await rotateSecrets(database, during)).rotated, 0)

    const [stored] = await backups.list()
    const rotated = (await backups.find(id)) ?? assert.fail()
    assert.equal(stored?.sizeBytes, Buffer.byteLength(rotated))
    const unsealed = (text = ''): string => text.replaceAll(/v1\.[\w.-]+/g, '')
    assert.equal(unsealed(rotated), unsealed(document), 'nothing else has changed')
    const channels = await channelsIn(database, after).list()
    const { whole } = createConfiguration(database, after)
    const parts = { whole, environment: [], compositeProblems: () => [], ruleProblems: () => [] }
    await importDocument(parts, parseDocument(JSON.parse(rotated)), {
      ownHost: undefined,
      expectedRevision: undefined,
      now: NOW,
      isDryRun: false,
    })
    assert.deepEqual(await channelsIn(database, after).list(), channels, 'a restore needs the first key alone')
  },
)

testEngines(
  'a rotation that is interrupted leaves everything readable, and goes on where it stopped',
  async (_t, store) => {
    const { database } = store
    await fill(store)
    const all = await channelsIn(database, before).list()
    let left = 300
    const killed: Cipher = {
      ...during,
      encrypt(text, place) {
        if (left === 0) throw new Error('killed')
        left -= 1
        return during.encrypt(text, place)
      },
    }
    await assert.rejects(rotateSecrets(database, killed), /killed/)
    assert.deepEqual(await channelsIn(database, during).list(), all)
    assert.deepEqual(
      (await readSecretStatus(database, during)).byKeyId,
      new Map([
        [after.currentKeyId, 300],
        [before.currentKeyId, 152],
      ]),
    )
    assert.equal((await rotateSecrets(database, during)).rotated, 152)
    assert.deepEqual(await channelsIn(database, after).list(), all)
  },
)

testEngines('what cannot be decrypted is told of by its reason, and stays as it is', async (_t, store) => {
  const { database, query } = store
  const id = await fill(store)
  await query("UPDATE channels SET oauth = 'in clear' WHERE id = $1", id)
  const missing = `the key ${before.currentKeyId} is missing`
  const form = 'it is not in the form of what was encrypted'
  const undecryptable = new Map([
    [missing, 451],
    [form, 1],
  ])
  assert.deepEqual(await readSecretStatus(database, after), { byKeyId: new Map(), undecryptable })
  assert.deepEqual(await rotateSecrets(database, after), { rotated: 0, undecryptable })
  assert.deepEqual(await rotateSecrets(database, during), { rotated: 451, undecryptable: new Map([[form, 1]]) })
  assert.deepEqual(await query('SELECT oauth FROM channels WHERE id = $1', id), [{ oauth: 'in clear' }])
})

testEngines('a secret that a proxy changes during a rotation is not set back', async (_t, { database, openAgain }) => {
  const { id } = await channelsIn(database, before).create(channelInput({ oauth: OAUTH }), NOW)
  const proxy = await openAgain()
  let rotation: Promise<unknown> = Promise.resolve()
  await proxy.write(async (transaction) => {
    const fresh = before.encrypt(JSON.stringify({ ...OAUTH, refreshToken: 'fresh' }), channelOauthPlace(id))
    const update = `UPDATE ${tableOf(proxy, 'channels')} SET oauth = $1 WHERE id = $2`
    await run(proxy, update, [fresh, id], transaction)
    // The rotation has read the old one, and would write it, before this one is committed.
    await new Promise<void>((resolve, reject) => {
      const watched: Cipher = {
        ...during,
        encrypt(text, place) {
          resolve()
          return during.encrypt(text, place)
        },
      }
      rotation = rotateSecrets(database, watched).catch(reject)
    })
  })
  await rotation
  assert.equal((await channelsIn(database, during).find(id))?.oauth?.refreshToken, 'fresh')
  await rotateSecrets(database, during)
  assert.equal((await channelsIn(database, after).find(id))?.oauth?.refreshToken, 'fresh')
})

testEngines('what a database refuses of secrets is told as a storage error', async (_t, { database, query }) => {
  await query('ALTER TABLE channel_keys RENAME TO away')
  for (const work of [() => readSecretStatus(database, during), () => rotateSecrets(database, during)]) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation: 'read the secrets' })
  }
})
