import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import type { Bank, LeaseAsk } from '../../../proxy/domain/lease.ts'
import { bucketStart } from '../../../proxy/limit/rolling-window.ts'
import { REQUEST_WINDOW, TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { countReplicas } from '../../../proxy/store/leases.ts'
import { createTurns } from '../../../proxy/store/turns.ts'
import { openDatabase, type TestDatabase } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'
import { askOf, bankIn } from '../../support/leases.ts'
import { seededRandom } from '../../support/load.ts'

const HOUR = 3_600_000

async function grantedTo(bank: Bank, more: Partial<LeaseAsk>): Promise<number> {
  return (await bank.borrow(() => [askOf(more)])).grants[0]?.granted ?? NaN
}

test('the five-hour window is what entries say, less what an administrator gave back', async (t) => {
  const store = await openDatabase(t, 'postgres')
  await writeEntries(store.database, [closedEntry({ spend: 700 })].map(rowJson))
  const bank = bankIn(store, 'me')
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 700)
  await store.keys.reset('key-1', Date.now())
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 0)
  await writeEntries(store.database, [closedEntry({ spend: 30 })].map(rowJson))
  assert.equal((await bank.borrow(() => [askOf()])).grants[0]?.used, 30)
})

test('replicas count while they are heard of, and not after', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [one, two] = [bankIn(store, 'one'), bankIn(store, 'two')]
  const replicasOf = async (bank: Bank): Promise<number> => (await bank.borrow(() => [])).replicas
  assert.equal(await replicasOf(one), 1)
  assert.equal(await replicasOf(two), 2)
  await store.query("UPDATE replicas SET seen_at = seen_at - 6000 WHERE id = 'one'")
  assert.equal(await replicasOf(two), 1)
  assert.equal(await replicasOf(one), 2)
  await store.query("UPDATE replicas SET seen_at = seen_at - 6000 WHERE id = 'one'")
  assert.equal(await countReplicas(store.database), 2, 'one that has nothing to ask is there all the same')
  await two.leave()
  assert.equal(await replicasOf(one), 1)
  assert.equal(await countReplicas(store.database), 1)
})

/** Banks of as many replicas, each with connections of its own. */
async function banks(t: TestContext, count: number): Promise<{ store: TestDatabase; all: readonly Bank[] }> {
  const store = await openDatabase(t, 'postgres')
  const all = await Promise.all(
    Array.from({ length: count }, async (_, place) =>
      bankIn({ database: await store.openAgain() }, `replica-${place}`),
    ),
  )
  return { store, all }
}

const contested: readonly Pick<LeaseAsk, 'subject' | 'unit' | 'span'>[] = [
  { subject: 'key-1', unit: 'tokens', span: TOKEN_WINDOW },
  { subject: 'channel:anthropic', unit: 'requests', span: REQUEST_WINDOW },
  {
    subject: 'channel:anthropic',
    unit: 'quota_requests',
    span: { bucketMs: HOUR, lengthMs: 24 * HOUR, period: 'day' },
  },
  { subject: 'channel:openai', unit: 'quota_credit', span: { bucketMs: 60_000, lengthMs: 5 * HOUR } },
]

test('replicas that ask at the same moment are never given more than a limit together', async (t) => {
  const { store, all } = await banks(t, 4)
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const LIMIT = 100
  for (let round = 0; round < Number(process.env['ROUNDS'] ?? 60); round++) {
    await store.query('DELETE FROM limit_leases')
    const held = all.map(() => contested.map(() => 0))
    for (let turn = 0; turn < 3; turn++) {
      await Promise.all(
        all.map(async (bank, replica) => {
          const asks = contested.map((one, place) =>
            askOf({ ...one, limit: LIMIT, base: upTo(held[replica]?.[place] ?? 0), wanted: upTo(60), spare: upTo(20) }),
          )
          const { grants } = await bank.borrow(() => (replica % 2 === 0 ? asks : asks.toReversed()))
          held[replica] = contested.map(
            ({ subject, unit }) =>
              grants.find((grant) => grant.subject === subject && grant.unit === unit)?.granted ?? NaN,
          )
        }),
      )
      for (const [place, { subject, unit }] of contested.entries()) {
        const sum = held.reduce((total, one) => total + (one[place] ?? NaN), 0)
        assert.ok(sum <= LIMIT, `${sum} of ${LIMIT} ${unit} of ${subject}: ${JSON.stringify(held)}`)
        assert.ok(sum > 0, `nobody was given ${unit} of ${subject}`)
      }
    }
  }
})

test('what is told of a channel by several replicas at once counts, all of it', async (t) => {
  const { all } = await banks(t, 4)
  const start = bucketStart(Date.now(), { bucketMs: HOUR, lengthMs: HOUR })
  const one = askOf({
    subject: 'channel:anthropic',
    unit: 'quota_credit',
    span: { bucketMs: HOUR, lengthMs: 24 * HOUR },
    used: [[start, 7]],
  })
  for (let round = 0; round < 10; round++) await Promise.all(all.map((bank) => bank.borrow(() => [one])))
  const { grants } = await (all[0] ?? assert.fail()).borrow(() => [{ ...one, used: [[start, -10]] }])
  assert.equal(grants[0]?.used, 4 * 10 * 7 - 10)
})

test('a lease that has lapsed is somebody else’s', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [dead, living] = [bankIn(store, 'dead'), bankIn(store, 'living')]
  assert.equal(await grantedTo(dead, { wanted: 1000 }), 1000)
  assert.equal(await grantedTo(living, { wanted: 400 }), 0)
  await store.query("UPDATE limit_leases SET expires_at = expires_at - 5001 WHERE replica_id = 'dead'")
  assert.equal(await grantedTo(living, { wanted: 400 }), 400)
  // And who comes back gets what is left.
  assert.equal(await grantedTo(dead, { base: 100, wanted: 500 }), 600)
})

test('a replica that leaves gives back what it held, and nothing of others', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [one, two] = [bankIn(store, 'one'), bankIn(store, 'two')]
  await grantedTo(one, { wanted: 600 })
  await grantedTo(two, { wanted: 300 })
  await one.leave()
  assert.deepEqual(await store.query('SELECT replica_id, amount FROM limit_leases'), [
    { replica_id: 'two', amount: 300 },
  ])
  assert.equal(await grantedTo(two, { base: 300, wanted: 700 }), 1000)
})

test('who leaves takes the rests of those along that were killed long ago', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [killed, leaving, living] = [bankIn(store, 'killed'), bankIn(store, 'leaving'), bankIn(store, 'living')]
  for (const bank of [killed, leaving, living]) await grantedTo(bank, { wanted: 100 })
  await store.query("UPDATE limit_leases SET expires_at = expires_at - 7200000 WHERE replica_id = 'killed'")
  await store.query("UPDATE replicas SET seen_at = seen_at - 7200000 WHERE id = 'killed'")
  await leaving.leave()
  assert.deepEqual(await store.query('SELECT replica_id FROM limit_leases'), [{ replica_id: 'living' }])
  assert.deepEqual(await store.query('SELECT id FROM replicas'), [{ id: 'living' }])
})

test('a lease that is not needed any more leaves nothing behind', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const bank = bankIn(store, 'me')
  await grantedTo(bank, { wanted: 600 })
  assert.equal(await grantedTo(bank, {}), 0)
  assert.deepEqual(await store.query('SELECT FROM limit_leases'), [])
})

test('a commit moves what was spent out of the lease at the same instant', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const bank = bankIn(store, 'spool-1')
  await bank.borrow(() => [
    askOf({ wanted: 900 }),
    askOf({ unit: 'usd_5h', span: TOKEN_WINDOW, limit: 90_000, wanted: 90_000 }),
    askOf({ unit: 'requests', span: REQUEST_WINDOW, wanted: 5 }),
    askOf({ subject: 'key-2', wanted: 50 }),
  ])
  const writing = new AbortController()
  const seen = new Set<string>()
  const look = async (): Promise<void> => {
    while (!writing.signal.aborted) {
      const rows = await store.query<{ unit: string; sum: number }>(
        `SELECT unit, amount + (SELECT coalesce(sum(amount), 0) FROM limit_usage AS used WHERE used.subject = lease.subject
           AND used.unit = CASE lease.unit WHEN 'usd_5h' THEN 'usd_minute' ELSE lease.unit END) AS sum
         FROM limit_leases AS lease WHERE subject = 'key-1' ORDER BY unit`,
      )
      seen.add(rows.map(({ unit, sum }) => `${unit} ${sum}`).join(', '))
    }
  }
  const looking = look()
  for (let batch = 0; batch < 8; batch++) {
    const entries = [closedEntry({ spend: 60, costNanoUsd: 5000 }), closedEntry({ spend: 40, costNanoUsd: null })]
    await writeEntries(store.database, entries.map(rowJson), 'spool-1')
  }
  writing.abort()
  await looking
  assert.deepEqual([...seen], ['requests 5, tokens 900, usd_5h 90000'])
  assert.deepEqual(await store.query('SELECT subject, unit, amount FROM limit_leases ORDER BY subject, unit'), [
    { subject: 'key-1', unit: 'requests', amount: 5 },
    { subject: 'key-1', unit: 'tokens', amount: 100 },
    { subject: 'key-1', unit: 'usd_5h', amount: 50_000 },
    { subject: 'key-2', unit: 'tokens', amount: 50 },
  ])
})

test('a spend beyond the lease leaves the lease empty and not negative', async (t) => {
  const store = await openDatabase(t, 'postgres')
  await grantedTo(bankIn(store, 'spool-1'), { wanted: 100 })
  await writeEntries(store.database, [rowJson(closedEntry({ spend: 130 }))], 'spool-1')
  assert.deepEqual(await store.query('SELECT amount FROM limit_leases'), [{ amount: 0 }])
})

test('who adopts a dead replica’s spool lowers the dead one’s lease and not its own', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const [dead, adopter] = [bankIn(store, 'dead'), bankIn(store, 'adopter')]
  await grantedTo(dead, { wanted: 500 })
  await grantedTo(adopter, { wanted: 300 })
  const entry = closedEntry({ spend: 200 })
  await writeEntries(store.database, [rowJson(entry)], 'dead')
  await writeEntries(store.database, [rowJson(entry)], 'adopter') // as after an answer that was lost
  assert.deepEqual(await store.query('SELECT replica_id, amount FROM limit_leases ORDER BY 1'), [
    { replica_id: 'adopter', amount: 300 },
    { replica_id: 'dead', amount: 300 },
  ])
})

test('amounts as large as a caller can name are no error to the others in the statement', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const most = Number.MAX_SAFE_INTEGER
  const { grants } = await bankIn(store, 'me').borrow(() => [
    askOf({ subject: 'channel:vast', base: most, wanted: most, spare: most }),
    askOf({ wanted: 10 }),
  ])
  const granted = new Map(grants.map((grant) => [grant.subject, grant.granted]))
  assert.deepEqual([granted.get('channel:vast'), granted.get('key-1')], [most, 10])
})

test('what waits for the leases of a replica hears of its commit before the leases are asked for', async () => {
  const alone = createTurns()
  const heard: string[] = []
  const relay = async <T>(work: Promise<T>): Promise<T> => await work
  const commit = relay(relay(relay(relay(alone(() => Promise.resolve()))))).then(() => heard.push('committed'))
  const borrow = alone(async () => void heard.push('asked'))
  await Promise.all([commit, borrow])
  assert.deepEqual(heard, ['committed', 'asked'])
})
