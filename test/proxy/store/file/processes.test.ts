import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import type { KeyFile } from '../../../../proxy/store/file/key-file.ts'
import { until } from '../../../support/gateway.ts'
import { keyFileFor, SPOOL } from '../../../support/key-file.ts'
import { seededRandom } from '../../../support/load.ts'

const WRITER = new URL('../../../support/file-store-writer.ts', import.meta.url).pathname
const KEYS = { keys: ['alice', 'bob'].map((name) => ({ key: `pk_${name}`, name })) }

function startWriter(t: TestContext, path: string, spool: string, batches: number) {
  const child = spawn(process.execPath, [WRITER, path, spool, String(batches)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** Every counter of every key, which all are to be the same. */
function countersOf({ keys }: KeyFile): number[] {
  return keys.flatMap(({ total_lifetime_tokens = 0, usage_windows }) => [
    total_lifetime_tokens ?? 0,
    (usage_windows ?? []).reduce((sum, { tokens_used }) => sum + tokens_used, 0),
  ])
}

const sumUpTo = (batches: number): number => (batches * (batches + 1)) / 2

test('processes that write side by side lose and double nothing', async (t) => {
  const { path, read } = keyFileFor(t, KEYS)
  const writers = ['A', 'B', 'C'].map((end) => startWriter(t, path, SPOOL.slice(1) + end, 60))
  const statuses = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0] as unknown))
  assert.deepEqual(statuses, [0, 0, 0])
  assert.deepEqual(
    countersOf(read()),
    Array.from({ length: 4 }, () => 3 * sumUpTo(60)),
  )
})

test('a process that is killed again and again while it writes counts every batch once', async (t) => {
  const { path, read } = keyFileFor(t, KEYS)
  const random = seededRandom(1)
  let batches = 40
  let kills = 0
  const isDone = (): boolean => (read().tollgate?.applied?.[SPOOL]?.offset ?? 0) === batches
  while (!isDone()) {
    const writer = startWriter(t, path, SPOOL, batches)
    const exited = once(writer, 'exit')
    await Promise.race([once(writer.stdout, 'data'), exited])
    const before = read().tollgate?.applied?.[SPOOL]?.offset ?? 0
    // As far as chance says, and then at some instant of the next write.
    const goal = Math.min(batches, before + 1 + Math.floor(random() * 15))
    // A kill between the making of the lock and the name in it leaves one that others believe for ten seconds.
    const hasWritten = (): boolean => (read().tollgate?.applied?.[SPOOL]?.offset ?? 0) >= goal
    await until('it has written', () => hasWritten() || writer.exitCode !== null, 60_000)
    assert.ok(hasWritten(), 'it writes until it is killed')
    await new Promise((resolve) => setTimeout(resolve, random() * 5))
    if (writer.kill('SIGKILL')) kills++
    await exited
    if (isDone() && kills < 3) batches += 40 // it was done before anybody looked
  }
  assert.deepEqual(
    countersOf(read()),
    Array.from({ length: 4 }, () => sumUpTo(batches)),
  )
})
