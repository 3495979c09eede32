import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ulid } from 'ulid'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { type TestDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'
import { createHome } from '../../support/gateway.ts'

/** A command that replays entries into the store of the test, and answers what it prints with `--json`. */
async function replayInto(t: TestContext, { path }: TestDatabase) {
  const home = await createHome({ [path.startsWith('postgres') ? 'DATABASE_URL' : 'DATABASE_PATH']: path })
  t.after(() => home.remove())
  return async (entries: readonly Entry[], ...options: string[]): Promise<Readonly<Record<string, unknown>>> => {
    const file = join(home.path, 'output.log')
    writeFileSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    const { status, stdout, stderr } = await home.command(['ledger', 'replay', file, '--json', ...options])
    assert.deepEqual([status, stderr], [0, ''])
    return JSON.parse(stdout) as Record<string, unknown> // safe: --json's contract
  }
}

const tokensOf = ({ query }: TestDatabase): Promise<{ id: string; tokens: number }[]> =>
  query<{ id: string; tokens: number }>('SELECT id, lifetime_tokens AS tokens FROM api_keys ORDER BY id')

testEngines('what was applied is how many entries were new: each counts once', async (t, store) => {
  const replay = await replayInto(t, store)
  // Of several keys and minutes, more than are written at once.
  const minute = Date.now() - (Date.now() % 60_000)
  const entries = Array.from({ length: 1203 }, (_, index) =>
    closedEntry({ keyId: `key-${(index % 3) + 1}`, admittedAt: minute - (index % 7) * 60_000 }),
  )
  const counts = { refused: 0, skippedLines: 0, invalidLines: [] }
  assert.deepEqual(await replay(entries, '--dry-run'), { ...counts, entries: 1203, applied: 0 })
  assert.deepEqual(await replay(entries.slice(0, 700)), { ...counts, entries: 700, applied: 700 })
  assert.deepEqual(await replay(entries), { ...counts, entries: 1203, applied: 503 })
  assert.deepEqual(await replay(entries), { ...counts, entries: 1203, applied: 0 })
  assert.deepEqual(
    await tokensOf(store),
    ['key-1', 'key-2', 'key-3'].map((id) => ({ id, tokens: 401 * 30 })),
  )
})

testEngines('an entry that is there twice in one output counts once', async (t, store) => {
  const replay = await replayInto(t, store)
  const entry = closedEntry()
  assert.equal((await replay([entry, entry, closedEntry(), entry]))['applied'], 2)
  assert.deepEqual((await tokensOf(store))[0], { id: 'key-1', tokens: 60 })
})

testEngines('an entry of a call that was thought cut off is corrected, once', async (t, store) => {
  const replay = await replayInto(t, store)
  const id = ulid()
  const usage = { ...NO_USAGE, inputTokens: 7 }
  const cut = closedEntry({ id, status: 'interrupted', metering: 'estimated', usage, spend: 7 })
  const closed = closedEntry({ id, admittedAt: cut.admittedAt })
  assert.equal((await replay([cut]))['applied'], 1)
  assert.equal((await replay([closed]))['applied'], 1)
  assert.equal((await replay([closed, cut]))['applied'], 0)
  assert.deepEqual((await tokensOf(store))[0], { id: 'key-1', tokens: 30 })
})
