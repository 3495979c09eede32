import assert from 'node:assert/strict'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { createQuotaStore } from '../../../proxy/store/channel-quota.ts'
import { run, tableOf } from '../../../proxy/store/database.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { interrupted } from '../../support/counters.ts'
import { type TestDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'

const NOW = 1_800_000_000_000
const DAY_MS = 86_400_000
const SUBJECT = `channel:0badcafe:${NOW}`

const period = (since: number, endsAt: number | null = since + 10) => ({ channelId: 'a', since, endsAt })

testEngines(
  'of replicas that begin a period at once one wins, and all know it',
  async (_t, { database, openAgain }) => {
    const replicas = [database, await openAgain(), await openAgain()].map(createQuotaStore)
    for (const [replaces, at] of [
      [null, NOW],
      [undefined, NOW + 100],
    ] as const) {
      const [before] = await createQuotaStore(database).list()
      const seen = replaces === null ? null : (before?.since ?? 0)
      const told = await Promise.all(replicas.map((replica, place) => replica.begin(period(at + place), seen)))
      const [stored, ...others] = await createQuotaStore(database).list()
      assert.ok(stored && others.length === 0 && stored.since >= at)
      for (const one of told) assert.deepEqual(one, stored)
    }
  },
)

testEngines('who has seen an older period does not replace a newer one', async (_t, { database }) => {
  const quotas = createQuotaStore(database)
  await quotas.begin(period(NOW), null)
  assert.deepEqual(await quotas.begin(period(NOW + 20), NOW), period(NOW + 20))
  assert.deepEqual(await quotas.begin(period(NOW + 30), NOW), period(NOW + 20))
  assert.deepEqual(await quotas.begin(period(NOW + 30), null), period(NOW + 20))
  assert.deepEqual(await quotas.list(), [period(NOW + 20)])
})

testEngines(
  'a reset is told to all, lifts the suspension, and is later than what it ends',
  async (_t, { database }) => {
    const [quotas, suspensions] = [createQuotaStore(database), createSuspensionStore(database)]
    await quotas.reset(period(NOW, null))
    assert.deepEqual(await quotas.list(), [period(NOW, null)])
    await suspensions.suspend('a', NOW + DAY_MS, 'trouble', NOW)
    await suspensions.suspend('b', NOW + DAY_MS, 'trouble', NOW)
    const before = Number(await readRevision(database))
    await quotas.reset(period(NOW - 5, NOW - 5)) // by a clock that is behind
    assert.deepEqual(await quotas.list(), [period(NOW + 1, NOW - 5)])
    assert.equal(Number(await readRevision(database)), before + 1)
    assert.deepEqual(
      (await suspensions.list(NOW)).map(({ channelId }) => channelId),
      ['b'],
    )
  },
)

testEngines('entries count to the quotas that they name, once', async (_t, store) => {
  const quotas = createQuotaStore(store.database)
  const entry = (more: object) => closedEntry({ admittedAt: NOW, quota: SUBJECT, costNanoUsd: 7, ...more })
  const entries = [
    entry({}),
    entry({ httpStatus: 299, admittedAt: NOW + DAY_MS, keyId: 'key-2' }),
    entry({ httpStatus: 400, costNanoUsd: null, channel: 'b' }),
    entry({ httpStatus: 401, costNanoUsd: 0 }),
    entry({ httpStatus: 499, status: 'client_gone' }),
    entry({ quota: null }),
    entry({ quota: 'channel:0badcafe:0' }),
  ]
  const applied = []
  for (let twice = 0; twice < 2; twice++) {
    applied.push(...(await writeEntries(store.database, entries.map(rowJson))))
    assert.deepEqual(
      await quotas.used([SUBJECT, 'channel:0badcafe:0', 'channel:0badcafe:1']),
      new Map([
        [`${SUBJECT} quota_requests`, 3],
        [`${SUBJECT} quota_credit`, 21],
        ['channel:0badcafe:0 quota_requests', 1],
        ['channel:0badcafe:0 quota_credit', 7],
      ]),
    )
  }
  const ofQuota = applied.filter(({ quota }) => quota?.subject === SUBJECT)
  const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0)
  assert.equal(sumOf(ofQuota.map(({ quota }) => quota?.requests ?? NaN)), 3)
  assert.equal(sumOf(ofQuota.map(({ costNanoUsd }) => costNanoUsd)), 21)
  assert.equal(sumOf(ofQuota.map((one) => one.entries)), 5)
  assert.deepEqual(await quotas.used([]), new Map())
})

testEngines('an interrupted call counts to a quota when its end turns up', async (_t, { database }) => {
  const quotas = createQuotaStore(database)
  const entry = closedEntry({ quota: SUBJECT, costNanoUsd: 7 })
  await writeEntries(database, [rowJson(interrupted(entry, 5, 9))])
  assert.deepEqual(await quotas.used([SUBJECT]), new Map())
  await writeEntries(database, [rowJson(entry)])
  await writeEntries(database, [rowJson(entry)])
  assert.deepEqual(
    await quotas.used([SUBJECT]),
    new Map([
      [`${SUBJECT} quota_requests`, 1],
      [`${SUBJECT} quota_credit`, 7],
    ]),
  )
})

testEngines('what a process has spent of a quota leaves its lease and nobody else’s', async (_t, store) => {
  const { database } = store
  if (database.engine === 'sqlite') return // has no leases
  const leases = tableOf(database, 'limit_leases')
  const lease = (replica: string, subject: string, unit: string): Promise<void> =>
    run(database, `INSERT INTO ${leases} VALUES ($1, $2, $3, 100, $4)`, [replica, subject, unit, NOW])
  for (const replica of ['own', 'other']) {
    for (const unit of ['quota_requests', 'quota_credit']) await lease(replica, SUBJECT, unit)
  }
  await lease('own', 'channel:0badcafe:0', 'quota_requests')
  await lease('own', 'channel:0badcafe', 'requests')
  const entries = [closedEntry({ quota: SUBJECT, costNanoUsd: 7 }), closedEntry({ quota: SUBJECT, costNanoUsd: 500 })]
  await writeEntries(database, entries.slice(0, 1).map(rowJson), 'own')
  const left = () =>
    store.query(`SELECT replica_id, subject, unit, amount FROM limit_leases WHERE amount <> 100 ORDER BY unit, subject`)
  const own = { replica_id: 'own', subject: SUBJECT }
  assert.deepEqual(await left(), [
    { ...own, unit: 'quota_credit', amount: 93 },
    { ...own, unit: 'quota_requests', amount: 99 },
  ])
  await writeEntries(database, entries.map(rowJson), 'own')
  assert.deepEqual(await left(), [
    { ...own, unit: 'quota_credit', amount: 0 },
    { ...own, unit: 'quota_requests', amount: 98 },
  ])
})

const operations = (store: TestDatabase) => {
  const quotas = createQuotaStore(store.database)
  return [
    ['read the quotas', () => quotas.list()],
    ['begin the period of a quota', () => quotas.begin(period(NOW), null)],
    ['reset a quota', () => quotas.reset(period(NOW))],
  ] as const
}

testEngines('what a database refuses of quotas is told as a storage error', async (_t, store) => {
  await store.query('ALTER TABLE channel_quota RENAME TO away')
  for (const [operation, work] of operations(store)) {
    await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
  }
})
