import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isAway, StoreError } from '../../../../proxy/domain/store-error.ts'
import { withLock } from '../../../../proxy/store/file/lock.ts'
import { until } from '../../../support/gateway.ts'
import { batchAt, keyFileFor } from '../../../support/key-file.ts'

const HOLDER = new URL('../../../support/lock-holder.ts', import.meta.url).pathname

/** A process that has the lock. */
async function startHolder(t: TestContext, path: string) {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

const longAgo = (path: string): void => utimesSync(path, new Date(Date.now() - 11_000), new Date(Date.now() - 11_000))

/** Waiting helps, and the keys can be read meanwhile. */
function isToWait(error: unknown): boolean {
  return error instanceof StoreError && error.isTransient && !isAway(error)
}

test('a lock is respected while its holder lives, even if that is stopped, and broken as soon as it is dead', async (t) => {
  const { path, store } = keyFileFor(t, undefined, { lockWaitMs: 50 })
  const lock = `${path}.lock`
  const holder = await startHolder(t, path)
  await assert.rejects(store.write(batchAt(1, [{}])), (error: Error) => {
    assert.ok(isToWait(error))
    assert.equal(error.message, `the lock ${lock} is held; if no process is using the file, remove that folder`)
    return true
  })
  holder.kill('SIGSTOP')
  longAgo(lock)
  await assert.rejects(store.write(batchAt(1, [{}])), isToWait)
  assert.ok(existsSync(lock))

  holder.kill('SIGKILL')
  await once(holder, 'exit')
  assert.equal((await store.write(batchAt(1, [{}]))).length, 1)
  assert.deepEqual(readdirSync(dirname(path)), ['apikeys.json'])
})

test('while a lock is held its time is moved on, so that others see a living holder', async (t) => {
  const { path } = keyFileFor(t)
  await withLock(path, 0, async () => {
    longAgo(`${path}.lock`)
    await until('it is new again', () => Date.now() - statSync(`${path}.lock`).mtimeMs < 5000)
  })
  assert.ok(!existsSync(`${path}.lock`))
})

const strangers: Readonly<Record<string, string | undefined>> = {
  'system A, which says nothing in it': undefined,
  'a process of another machine': JSON.stringify({ pid: process.pid, place: 'elsewhere', id: 'x' }),
  'a process that died while it took it': '{"pid":',
}
for (const [who, holder] of Object.entries(strangers)) {
  test(`a lock of ${who} is respected for ten seconds`, async (t) => {
    const { path, store } = keyFileFor(t, undefined, { lockWaitMs: 50 })
    const lock = `${path}.lock`
    mkdirSync(lock)
    if (holder !== undefined) writeFileSync(join(lock, 'holder.json'), holder)
    await assert.rejects(store.write(batchAt(1, [{}])), isToWait)
    longAgo(lock)
    assert.equal((await store.write(batchAt(1, [{}]))).length, 1)
    assert.ok(!existsSync(lock))
  })
}

test('reading needs no lock', async (t) => {
  const { path, store } = keyFileFor(t, undefined, { lockWaitMs: 0 })
  mkdirSync(`${path}.lock`)
  await store.initialise()
  assert.equal((await store.findByIds([])).length, 0)
  assert.equal((await store.ping()).error, undefined)
})

test('whoever lost the lock does not write, and does not remove that of the next', async (t) => {
  const { path } = keyFileFor(t)
  const lock = `${path}.lock`
  await withLock(path, 0, async (isHeld) => {
    assert.ok(isHeld())
    rmSync(lock, { recursive: true })
    assert.ok(!isHeld())
    mkdirSync(lock)
    assert.ok(!isHeld())
  })
  assert.ok(existsSync(lock))
})

test('of many who want it one has it at a time', async (t) => {
  const { path } = keyFileFor(t)
  let inside = 0
  const enter = () =>
    withLock(path, 60_000, async () => {
      assert.equal(++inside, 1)
      await new Promise(setImmediate)
      inside--
    })
  await Promise.all(Array.from({ length: 20 }, enter))
})
