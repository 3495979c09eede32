import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { hashSecret, markSecret } from '../../../../proxy/auth/secret.ts'
import { UNLIMITED } from '../../../../proxy/domain/key.ts'
import { createFileStore } from '../../../../proxy/store/file/file-store.ts'
import { ALICE, batchAt, isOfKind, keyFileFor, RECORD_OF_A, SPOOL } from '../../../support/key-file.ts'
import { whileReadOnly } from '../../../support/read-only.ts'

const NOW = Date.parse('2026-01-18T10:30:20Z')
const MINUTE = Date.parse('2026-01-18T10:30:00Z')
const HASH = hashSecret('pk_alice')
const BOB = { key: 'pk_bob', name: 'bob' }

test('a file of system A works as it is', async (t) => {
  const { store } = keyFileFor(t)
  await store.initialise()
  const key = await store.findByHash(HASH, 0)
  assert.deepEqual(key, {
    ...UNLIMITED,
    id: HASH.slice(0, 26).toUpperCase(),
    name: 'alice',
    hash: HASH,
    previousHash: null,
    prefix: markSecret('pk_alice').prefix,
    status: 'active',
    tenant: null,
    model: 'glm-4.7',
    tokenLimit: 100_000,
    expiresAt: Date.parse('2099-12-31T23:59:59Z'),
    resetAt: null,
    previousUntil: null,
    createdAt: Date.parse('2026-01-18T00:00:00Z'),
    updatedAt: Date.parse('2026-01-18T00:00:00Z'),
    usage: {
      lifetimeTokens: 150,
      lastUsedAt: Date.parse('2026-01-18T10:00:00Z'),
      minutes: [{ start: Date.parse('2026-01-18T09:58:30.500Z'), amount: 150 }],
    },
  })
  const { usage, ...found } = key
  assert.deepEqual(await store.findByIds(['other', ALICE]), [found])
  assert.deepEqual([await store.usageOf(ALICE, 0), await store.usageOf('other', 0)], [usage, undefined])
  assert.equal(await store.findByHash(hashSecret('pk_nobody'), 0), undefined)
})

test('a record written by hand needs a key and a name', async (t) => {
  const { store } = keyFileFor(t, { keys: [BOB] })
  const key = await store.findByHash(hashSecret('pk_bob'), 0)
  assert.deepEqual(
    [key?.model, key?.tokenLimit, key?.expiresAt, key?.usage],
    [null, null, null, { lifetimeTokens: 0, lastUsedAt: null, minutes: [] }],
  )
})

test('windows are told from the asked instant on, in order, each start once', async (t) => {
  const at = (window_start: string, tokens_used: number) => ({ window_start, tokens_used })
  const windows = [
    at('2026-01-18T10:00:00Z', 3),
    at('2026-01-18T09:00:00Z', 1),
    at('2026-01-18T10:00:00.000Z', 4),
    at('2026-01-18T08:59:59Z', 9),
  ]
  const { store } = keyFileFor(t, { keys: [{ ...BOB, usage_windows: windows }] })
  const key = await store.findByHash(hashSecret('pk_bob'), Date.parse('2026-01-18T09:00:00Z'))
  assert.deepEqual(key?.usage.minutes, [
    { start: Date.parse('2026-01-18T09:00:00Z'), amount: 1 },
    { start: Date.parse('2026-01-18T10:00:00Z'), amount: 7 },
  ])
})

test('spend is counted in its minute, and all that is unknown stays', async (t) => {
  const windows = [{ ...RECORD_OF_A.usage_windows[0], note: 'w' }]
  const content = {
    about: 'ours',
    keys: [{ ...RECORD_OF_A, team: 'red', usage_windows: windows }, BOB],
    tollgate: { hint: 1 },
  }
  const { store, read, path } = keyFileFor(t, content, { now: () => NOW })
  chmodSync(path, 0o640)
  const applied = await store.write(
    batchAt(7, [
      { admittedAt: NOW, spend: 30 },
      { admittedAt: NOW + 1000, spend: 12 },
      { admittedAt: NOW - 60_000, spend: 5 },
      { keyId: 'REMOVED', spend: 99 },
    ]),
  )
  assert.deepEqual(
    applied.toSorted((a, b) => a.minute - b.minute),
    [
      { keyId: ALICE, minute: MINUTE - 60_000, spend: 5, costNanoUsd: 0, entries: 1 },
      { keyId: ALICE, minute: MINUTE, spend: 42, costNanoUsd: 0, entries: 2 },
    ],
  )
  assert.deepEqual(read(), {
    about: 'ours',
    keys: [
      {
        ...RECORD_OF_A,
        team: 'red',
        last_used: '2026-01-18T10:30:21.000Z',
        total_lifetime_tokens: 197,
        usage_windows: [
          ...windows,
          { window_start: '2026-01-18T10:29:00.000Z', tokens_used: 5 },
          { window_start: '2026-01-18T10:30:00.000Z', tokens_used: 42 },
        ],
      },
      BOB,
    ],
    tollgate: { hint: 1, applied: { [SPOOL]: { segment: 0, offset: 7 } } },
  })
  assert.equal(statSync(path).mode & 0o777, 0o640, 'who may read the file is the same')
  assert.deepEqual(readdirSync(dirname(path)), ['apikeys.json'], 'nothing is left beside it')
  assert.equal((await store.findByHash(HASH, MINUTE))?.usage.minutes[0]?.amount, 42)
})

test('a batch that is given again, and an entry that comes twice in one, count once', async (t) => {
  const { store, read, path } = keyFileFor(t, { keys: [RECORD_OF_A] }, { now: () => NOW })
  const entry = { id: '01JGF000000000000000000001', admittedAt: NOW, spend: 10 }
  const batch = batchAt(7, [entry, entry])
  assert.equal((await store.write(batch))[0]?.spend, 10)
  const once = readFileSync(path, 'utf8')
  assert.deepEqual(await store.write(batch), [])
  assert.deepEqual(await store.write(batchAt(6, [{ admittedAt: NOW }])), [])
  assert.deepEqual(await createFileStore(path, { markSecret }).write(batch), [], 'another process knows it too')
  assert.equal(readFileSync(path, 'utf8'), once)
  assert.equal(read().keys[0]?.total_lifetime_tokens, 160)

  assert.deepEqual(await store.markOf(SPOOL), { spool: SPOOL, segment: 0, offset: 7 })
  assert.equal(await store.markOf('01JGF000000000000000000009'), undefined)
  const next = { ...batchAt(0, [{ admittedAt: NOW, spend: 1 }]), mark: { spool: SPOOL, segment: 1, offset: 0 } }
  assert.equal((await store.write(next))[0]?.spend, 1, 'the next segment begins at 0')
})

test('the marks of the newest hundred spools are kept', async (t) => {
  const { store, read } = keyFileFor(t)
  const spool = (number: number): string => `01JGF0000000000000000${String(number).padStart(5, '0')}`
  for (let number = 105; number > 0; number--) await store.write(batchAt(1, [], spool(number)))
  const kept = Object.keys(read().tollgate?.applied ?? {}).toSorted()
  assert.deepEqual(kept, [spool(1), ...Array.from({ length: 99 }, (_, at) => spool(at + 7))])
})

test('windows leave the file two minutes after they have stopped to count, and when they are pruned', async (t) => {
  const start = new Date(MINUTE).toISOString()
  const content = { keys: [{ ...BOB, usage_windows: [{ window_start: start, tokens_used: 1 }] }] }
  let now = MINUTE + 60_000 + 5 * 3_600_000 + 120_000
  const { store, read, save } = keyFileFor(t, content, { now: () => now })
  await store.write(batchAt(1, []))
  assert.equal(read().keys[0]?.usage_windows?.length, 1)
  now += 1
  await store.write(batchAt(2, []))
  assert.deepEqual(read().keys[0]?.usage_windows, [])

  save({ ...content, tollgate: read().tollgate })
  assert.equal(await store.prune(0, MINUTE, NOW), 0)
  assert.equal(read().keys[0]?.usage_windows?.length, 1)
  assert.equal(await store.prune(0, MINUTE + 1, NOW), 0)
  assert.deepEqual(read().keys[0]?.usage_windows, [])
})

test('entries without a mark are refused, and entries that say nonsense are told from a file that does', async (t) => {
  const { store, save, path } = keyFileFor(t)
  await assert.rejects(
    store.write({ rows: [] }),
    isOfKind('query', /^entries cannot be read back into a key file; use a database$/),
  )
  const before = readFileSync(path, 'utf8')
  for (const bad of [{ spend: Number.NaN }, { spend: -1 }, { admittedAt: 1e300 }, { spend: 0.5 }]) {
    await assert.rejects(store.write(batchAt(1, [bad])), isOfKind('validation', /^an entry does not fit/))
  }
  await assert.rejects(store.write({ ...batchAt(1, []), rows: ['{'] }), isOfKind('validation', /does not fit/))
  assert.equal(readFileSync(path, 'utf8'), before)

  save('{"keys": [')
  await assert.rejects(store.write(batchAt(1, [{}])), isOfKind('connection', /is not JSON/))
  assert.equal(readFileSync(path, 'utf8'), '{"keys": [', 'what is being edited is not overwritten')
})

test('a store that is made ready says what is wrong, and changes nothing', async (t) => {
  const { path, store, save } = keyFileFor(t)
  save({ keys: [{ name: 'bob' }] })
  const before = statSync(path, { bigint: true })
  await assert.rejects(store.initialise(), isOfKind('validation', /key of record 1 \("bob"\) must be a text/))
  assert.equal(statSync(path, { bigint: true }).ctimeNs, before.ctimeNs)
  save(Buffer.from('{"keys":[{"key":"k\xff","name":"n"}]}', 'latin1'))
  await assert.rejects(store.initialise(), isOfKind('validation', /is not UTF-8$/))
  save('\ufeff{"keys":[]}')
  await store.initialise()

  rmSync(path)
  await assert.rejects(
    store.initialise(),
    isOfKind('query', /^DATA_FILE: there is no file .*; make one like \{"keys":\[\]\}$/),
  )
  await assert.rejects(createFileStore(dirname(path), { markSecret }).initialise(), isOfKind('query', /EISDIR/))
})

test('a file in a folder that cannot be written is refused', async (t) => {
  const { path, store } = keyFileFor(t)
  await whileReadOnly(dirname(path), () =>
    assert.rejects(store.initialise(), isOfKind('query', /cannot be read and written \((?:EACCES|EROFS)\)/)),
  )
})

test('what killed processes left beside the file is removed when it is old', async (t) => {
  const { path, store } = keyFileFor(t)
  const folder = dirname(path)
  const [old, fresh, others] = [`${path}.${SPOOL}.tmp`, `${path}.${SPOOL.replace('J', 'K')}.tmp`, `${path}.tmp`]
  for (const file of [old, fresh, others]) writeFileSync(file, '')
  for (const file of [old, others]) utimesSync(file, new Date(0), new Date(0))
  await store.initialise()
  assert.deepEqual(
    readdirSync(folder).toSorted(),
    ['apikeys.json', fresh, others].map((file) => file.replace(`${folder}/`, '')).toSorted(),
  )
})
