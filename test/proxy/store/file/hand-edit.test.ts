import assert from 'node:assert/strict'
import { readdirSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { hashSecret, markSecret } from '../../../../proxy/auth/secret.ts'
import { createFileStore } from '../../../../proxy/store/file/file-store.ts'
import { ALICE, batchAt, isOfKind, keyFileFor, RECORD_OF_A } from '../../../support/key-file.ts'

const HASH = hashSecret('pk_alice')
const BOB = { key: 'pk_bob', name: 'bob' }

test('a hand edit that is half done takes no key away, and is told', async (t) => {
  const { store, save } = keyFileFor(t)
  await store.initialise()
  const revision = await store.revision()
  save('{"keys": [')
  await assert.rejects(store.revision(), isOfKind('validation', /^DATA_FILE: .*apikeys.json is not JSON$/))
  assert.equal((await store.findByHash(HASH, 0))?.name, 'alice')
  assert.match((await store.ping()).error ?? '', /is not JSON/)
  save({ keys: [RECORD_OF_A, BOB] })
  assert.notEqual(await store.revision(), revision)
  assert.equal((await store.findByHash(hashSecret('pk_bob'), 0))?.name, 'bob')
  assert.equal((await store.ping()).error, undefined)
})

test('the revision changes with the keys and not with what they use', async (t) => {
  const { store, save, read } = keyFileFor(t)
  const first = await store.revision()
  await store.write(batchAt(1, [{}]))
  assert.equal(await store.revision(), first)
  const other = createFileStore(keyFileFor(t, read()).path, { markSecret })
  assert.equal(await other.revision(), first, 'whoever reads it')

  const [alice] = read().keys
  save({ ...read(), keys: [{ ...alice, token_limit_per_5h: 100_001 }] }) // as long as it was, in the same moment
  const second = await store.revision()
  assert.notEqual(second, first)
  save({ ...read(), keys: [] })
  assert.notEqual(await store.revision(), second)
  assert.equal(await store.findByHash(HASH, 0), undefined)
  assert.deepEqual(await store.findByIds([ALICE]), [])
})

test('keys that are edited while spend is written are kept, and so is the spend', async (t) => {
  const { store, save, read, path } = keyFileFor(t)
  let offset = 0
  const write = () => store.write(batchAt(++offset, [{ spend: 1 }]))
  const writeSome = async () => {
    for (let more = 0; more < 3; more++) await write()
  }
  for (let edit = 1; edit <= 20; edit++) {
    const old = read() // an editor that was opened before the spend was written
    const writing = writeSome()
    if (edit % 2 === 0) await writing
    save({ ...old, keys: [...old.keys, { key: `pk_${edit}`, name: `${edit}` }] })
    await writing
    await store.revision()
  }
  await write()
  const [alice, ...added] = read().keys
  assert.equal(alice?.total_lifetime_tokens, 150 + offset)
  assert.equal(
    alice.usage_windows?.reduce((sum, { tokens_used }) => sum + tokens_used, 0),
    offset,
  )
  assert.deepEqual(
    added.map(({ name }) => Number(name)),
    Array.from({ length: 20 }, (_, at) => at + 1),
  )
  assert.deepEqual(readdirSync(dirname(path)), ['apikeys.json'])
})

test('a counter that is set back by hand in the file as it is stays so', async (t) => {
  const { store, save, read } = keyFileFor(t)
  await store.write(batchAt(1, [{}]))
  const file = read()
  save({ ...file, keys: [{ ...file.keys[0], total_lifetime_tokens: 0, usage_windows: [] }] })
  assert.deepEqual((await store.findByHash(HASH, 0))?.usage.minutes, [])
  await store.write(batchAt(2, [{ spend: 2 }]))
  assert.equal(read().keys[0]?.total_lifetime_tokens, 2)
})

test('a link to the file stays one', async (t) => {
  const { path, read } = keyFileFor(t)
  const link = join(dirname(path), 'link.json')
  symlinkSync('apikeys.json', link)
  await createFileStore(link, { markSecret }).write(batchAt(1, [{ spend: 1 }]))
  assert.equal(read().keys[0]?.total_lifetime_tokens, 151)
})

test('while the file is away, so is the store', async (t) => {
  const { path, store } = keyFileFor(t)
  await store.initialise()
  renameSync(path, `${path}.away`)
  await assert.rejects(store.findByHash(HASH, 0), isOfKind('connection', /there is no file/))
  await assert.rejects(store.write(batchAt(1, [{}])), isOfKind('connection', /there is no file/))
  assert.match((await store.ping()).error ?? '', /there is no file/)
  renameSync(`${path}.away`, path)
  assert.equal((await store.write(batchAt(1, [{}]))).length, 1)
  assert.equal((await store.ping()).type, 'file')
})
