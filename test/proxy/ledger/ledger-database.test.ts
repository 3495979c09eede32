import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger } from '../../../proxy/ledger/ledger.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { testEngines } from '../../support/database.ts'
import { appliedOf, closedEntry, directoryFor, openedCall, storeThat, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { writeSpool } from '../../support/spool.ts'

testEngines('a commit whose outcome was not heard of is repeated, and counts once', async (t, { database, query }) => {
  const spoolDir = directoryFor(t)

  // One process died with a call in flight, and one that had adopted it died before it could say that it was done.
  const dead = join(spoolDir, `${ulid()}.${ulid()}`)
  mkdirSync(dead)
  const { open, close, writer } = writeSpool(dead)
  const inFlight = openedCall({ estimate: { inputTokens: 1, outputTokens: 2 } })
  const left = [closedEntry({ spend: 10 }), closedEntry({ spend: 20 })]
  const written = [open(inFlight), ...left.map(close)]
  await writer.stop()
  await Promise.all(written)
  await writeEntries(database, left.slice(0, 1).map(rowJson))

  let losses = 0
  const applied: number[] = []
  const ledger = await Ledger.start(
    { spoolDir, boot: ulid(), fsync: 'off', maxBytes: 1e6, commitIntervalMs: 5 },
    {
      store: storeThat(async ({ rows }) => {
        const result = await writeEntries(database, rows)
        losses += 1
        if (losses % 3 !== 0) throw new Error('the connection was lost behind COMMIT')
        return result
      }),
      onAdopted: (spends) => applied.push(...spends.map(({ spend }) => spend)),
      onCommit: () => undefined,
      onProblem: () => undefined,
    },
  )
  await ledger.recover()
  const entries = Array.from({ length: 50 }, () => closedEntry({ spend: 100 }))
  await Promise.all(entries.map((entry) => ledger.close(entry)))
  await until('all is committed', () => ledger.status().spooled === 0 && ledger.status().problem === null)

  const [sums] = await query<{ calls: number; spend: number }>(
    'SELECT count(*) AS calls, sum(spend_tokens) AS spend FROM request_logs',
  )
  assert.deepEqual({ ...sums }, { calls: 53, spend: 10 + 20 + 3 + 5000 })
  const [key] = await query<{ tokens: number }>("SELECT lifetime_tokens AS tokens FROM api_keys WHERE id = 'key-1'")
  assert.equal(key?.tokens, sums?.spend)
  await ledger.stop(Date.now(), unexpected)
  assert.deepEqual(readdirSync(spoolDir), [])
})

testEngines(
  'the late end of a call that looked interrupted lowers what windows in memory were told',
  async (t, { database }) => {
    const spoolDir = directoryFor(t)
    const dead = join(spoolDir, ulid())
    mkdirSync(dead)
    const { open, close, writer } = writeSpool(dead)
    const entry = closedEntry({ spend: 30 })
    const written = [open(openedCall({ id: entry.id })), close(entry)]
    await writer.stop()
    await Promise.all(written)
    await writeEntries(database, [rowJson({ ...entry, status: 'interrupted', metering: 'estimated', spend: 100 })])

    const applied: object[] = []
    const ledger = await Ledger.start(
      { spoolDir, boot: ulid(), fsync: 'off', maxBytes: 1e6, commitIntervalMs: 5 },
      {
        store: storeThat(({ rows }) => writeEntries(database, rows)),
        onAdopted: (spends) => applied.push(...spends),
        onCommit: () => undefined,
        onProblem: unexpected,
      },
    )
    await ledger.recover()
    assert.deepEqual(applied, appliedOf([{ ...entry, spend: -70 }]))
    await ledger.stop(Date.now(), unexpected)
  },
)
