import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { type Database, run, select } from '../../../proxy/store/database.ts'
import { withOperationLock } from '../../../proxy/store/operation-lock.ts'
import { emptyDatabase } from '../../support/empty-database.ts'
import { unexpected } from '../../support/entries.ts'
import { createHome, until } from '../../support/gateway.ts'

const HOLDER = new URL('../../support/operation-holder.ts', import.meta.url).pathname

/** A process that has the lock, as a backup of another pod would. */
async function startHolder(t: TestContext, url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, url, 'tollgate backup on pod-3'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** How long somebody has been waiting for an advisory lock of this database. */
async function waitedMs(database: Database): Promise<number> {
  const [row] = await select<{ ms: number }>(
    database,
    `SELECT (extract(epoch FROM max(clock_timestamp() - query_start)) * 1000)::int AS ms FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'`,
  )
  return row?.ms ?? 0
}

test('who finds the lock held waits, says for whom, and goes on when the holder was killed', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const database = await empty.open()
  const holder = await startHolder(t, empty.env['DATABASE_URL'] ?? '')
  const home = await createHome(empty.env)
  t.after(() => home.remove())

  const up = home.cli(['schema', 'up', '--json'])
  await until('schema up waits', async () => (await waitedMs(database)) > 0)
  const [connection] = await select<{ pid: number }>(
    database,
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'tollgate backup on pod-3'",
  )
  holder.kill('SIGKILL')
  const { status, stdout, stderr } = await up
  assert.equal(
    stderr,
    `Waiting for tollgate backup on pod-3 (process ${connection?.pid} of the server) to finish its work on the schema.\n`,
  )
  assert.equal(status, 0)
  assert.match(stdout, /"ran":\["0001-initial"/)
})

test('limits of the role are for calls: nobody who waits or works is cut off by them', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const database = await empty.open()
  const [{ name } = { name: '' }] = await select<{ name: string }>(database, 'SELECT current_database() AS name')
  for (const limit of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
    await run(database, `ALTER DATABASE "${name}" SET ${limit} = '1s'`)
  }
  // In an order of its own each: the one that works is idle for as long as the other waits, and longer than any limit.
  const [first, second] = [await empty.open(), await empty.open()]
  const held = Promise.withResolvers<void>()
  const release = Promise.withResolvers<string>()
  const holding = withOperationLock(first, unexpected, () => {
    held.resolve()
    return release.promise
  })
  await held.promise
  const waiting = withOperationLock(
    second,
    () => undefined,
    () => Promise.resolve('second'),
  )
  await until('the second has waited for longer than the limits', async () => (await waitedMs(database)) > 1200)
  release.resolve('first')
  assert.deepEqual(await Promise.all([holding, waiting]), ['first', 'second'])
})

test('work on one schema does not wait for work on another', async (t) => {
  const empty = await emptyDatabase(t, 'postgres')
  const [one, other] = [await empty.open(), { ...(await empty.open()), schema: 'other' }]
  const inside = await withOperationLock(one, unexpected, () =>
    withOperationLock(other, unexpected, () => Promise.resolve('both')),
  )
  assert.equal(inside, 'both')
})

test('work that fails gives the lock free', async (t) => {
  const database = await (await emptyDatabase(t, 'postgres')).open()
  const failing = withOperationLock(database, unexpected, () => Promise.reject(new Error('no')))
  await assert.rejects(failing, /^Error: no$/)
  assert.equal(await withOperationLock(database, unexpected, () => Promise.resolve('free')), 'free')
})

test('sqlite: the one writer at a time is lock enough', async (t) => {
  const database = await (await emptyDatabase(t, 'sqlite')).open()
  assert.equal(await withOperationLock(database, unexpected, () => Promise.resolve('done')), 'done')
})
