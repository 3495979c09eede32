import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { ulid } from 'ulid'
import { readEntry } from '../../../proxy/ledger/replay.ts'
import { anyEntry } from '../../support/any-entry.ts'
import { closedEntry } from '../../support/entries.ts'
import { createHome } from '../../support/gateway.ts'
import { rounds } from '../../support/rounds.ts'

const DAY_MS = 86_400_000
const home = await createHome()
after(() => home.remove())

async function replay(lines: readonly string[], ...options: string[]) {
  const file = join(home.path, 'output.log')
  writeFileSync(file, lines.join('\n'))
  return home.command(['ledger', 'replay', file, ...options])
}

test('an entry that was printed is read back as it was', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      assert.deepEqual(readEntry(JSON.stringify(entry)), entry)
    }),
    rounds(),
  )
})

test('only whole entries are taken from what comes from outside', () => {
  const entry = closedEntry()
  for (const line of ['', 'null', '{}', JSON.stringify(entry).slice(0, -1), '{"id":1}']) {
    assert.equal(readEntry(line), undefined, line)
  }
  for (const line of [
    JSON.stringify({ ...entry, id: 'key-1' }),
    JSON.stringify({ ...entry, spend: -1 }),
    JSON.stringify({ ...entry, spend: 1.5 }),
    JSON.stringify({ ...entry, spend: 2 ** 60 }),
    JSON.stringify({ ...entry, model: 'x'.repeat(256) }),
    JSON.stringify({ ...entry, status: 'free' }),
    JSON.stringify({ ...entry, usage: {} }),
    JSON.stringify({ ...entry, durationMs: -1 }),
    JSON.stringify({ ...entry, costNanoUsd: -1 }),
    JSON.stringify({ ...entry, costNanoUsd: '1' }),
  ]) {
    assert.equal(readEntry(line), 'invalid', line)
  }
})

test('an entry of a program that knew no prices is unpriced', () => {
  const { costNanoUsd: _, ...entry } = closedEntry()
  assert.deepEqual(readEntry(JSON.stringify(entry)), { ...entry, costNanoUsd: null })
})

test('an entry that is older than the retention is refused: whether it was counted is no longer known', async () => {
  const old = closedEntry({ id: ulid(Date.now() - 3 * DAY_MS), admittedAt: Date.now() - 3 * DAY_MS })
  const lines = [JSON.stringify(old), JSON.stringify(closedEntry()), '{"level":30,"msg":"stopped"}']
  const file = join(home.path, 'output.log')
  writeFileSync(file, lines.join('\n'))
  const { status, stdout } = await home.command(['ledger', 'replay', file, '--json'], { LOG_RETENTION_DAYS: '2' })
  assert.equal(status, 0)
  assert.deepEqual(JSON.parse(stdout), { entries: 2, applied: 1, refused: 1, skippedLines: 1, invalidLines: [] })
  assert.equal(home.query('SELECT id FROM request_logs').length, 1)
})

test('a person is told in words what was read', async () => {
  const { stdout } = await replay([JSON.stringify(closedEntry()), 'something else'])
  assert.equal(stdout, '1 entries read, 1 applied, 1 other lines passed over.\n')
})

test('a file that is not there is told in one line', async () => {
  const { status, stderr } = await home.command(['ledger', 'replay', join(home.path, 'nothing')])
  assert.equal(status, 1)
  assert.match(stderr, /^The entries cannot be read: ENOENT[^\n]*\n$/)
})

test('an entry that is damaged is no other line: it is told, the others count, and the command fails', async () => {
  const [good, bad] = [closedEntry(), { ...closedEntry(), firstByteMs: -3 }]
  const lines = ['something else', JSON.stringify(bad), JSON.stringify(good)]
  const { status, stdout, stderr } = await replay(lines, '--json')
  assert.equal(status, 1)
  assert.deepEqual(JSON.parse(stdout), { entries: 1, applied: 1, refused: 0, skippedLines: 1, invalidLines: [2] })
  assert.match(stderr, /damaged entries: line 2\.\n$/)
})
