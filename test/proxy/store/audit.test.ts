import assert from 'node:assert/strict'
import type { AuditEntry } from '../../../proxy/domain/audit.ts'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { createAuditStore } from '../../../proxy/store/audit.ts'
import { oldestRetainedId } from '../../../proxy/store/retention.ts'
import { testEngines } from '../../support/database.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOUR_MS = 3_600_000

function anEntry(at: number, different: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: `${oldestRetainedId(at)}0123456789ABCDEF`,
    at,
    actorId: '01JGF000000000000000000000',
    actor: 'alice',
    operation: 'updateChannel',
    target: 'a1b2c3d4',
    httpStatus: 200,
    error: null,
    requestId: 'r',
    before: null,
    after: null,
    ...different,
  }
}

testEngines('a line is read as it was written, newest first', async (_t, { database }) => {
  const audit = createAuditStore(database)
  assert.deepEqual(await audit.list({ limit: 10 }), [])
  const whole = anEntry(NOON, {
    before: `{"name":"it's \\" ü"}`,
    after: '{"n":1}',
    target: `"; DROP TABLE audit_log; --`,
  })
  const bare = anEntry(NOON + 1, {
    actorId: null,
    actor: '192.0.2.1',
    target: null,
    httpStatus: 403,
    error: 'admin_required',
  })
  await audit.append([whole, bare])
  await audit.append([])
  assert.deepEqual(await audit.list({ limit: 10 }), [bare, whole])
})

testEngines('a line that comes twice is there once', async (_t, { database }) => {
  const audit = createAuditStore(database)
  await audit.append([anEntry(NOON)])
  await audit.append([anEntry(NOON, { actor: 'mallory' }), anEntry(NOON + 1)])
  assert.deepEqual(
    (await audit.list({ limit: 10 })).map(({ actor }) => actor),
    ['alice', 'alice'],
  )
})

testEngines('lines are narrowed by each filter, and by all at once', async (_t, { database }) => {
  const audit = createAuditStore(database)
  await audit.append([
    anEntry(NOON),
    anEntry(NOON + 1, { actorId: null, actor: '192.0.2.1' }),
    anEntry(NOON + 2, { operation: 'createChannel' }),
    anEntry(NOON + 3, { target: 'other' }),
    anEntry(NOON + HOUR_MS),
  ])
  const found = async (filter: object): Promise<number[]> =>
    (await audit.list({ limit: 10, ...filter })).map(({ at }) => at - NOON)
  assert.deepEqual(await found({ actor: 'alice' }), [HOUR_MS, 3, 2, 0])
  assert.deepEqual(await found({ actor: '01JGF000000000000000000000' }), [HOUR_MS, 3, 2, 0])
  assert.deepEqual(await found({ actor: '192.0.2.1' }), [1])
  assert.deepEqual(await found({ operation: 'createChannel' }), [2])
  assert.deepEqual(await found({ target: 'other' }), [3])
  assert.deepEqual(await found({ from: NOON + 2 }), [HOUR_MS, 3, 2])
  assert.deepEqual(await found({ to: NOON + 2 }), [1, 0])
  assert.deepEqual(await found({ actor: 'alice', from: NOON + 1, to: NOON + HOUR_MS, operation: 'updateChannel' }), [3])
  assert.deepEqual(await found({ actor: "alice' OR '1'='1" }), [])
})

testEngines('pages follow one another without a gap and without a line twice', async (_t, { database }) => {
  const audit = createAuditStore(database)
  await audit.append(Array.from({ length: 7 }, (_, nth) => anEntry(NOON + nth)))
  const seen: number[] = []
  let before: string | undefined
  for (let page = 0; page < 4; page += 1) {
    const entries = await audit.list({ limit: 3, ...(before !== undefined && { before }) })
    seen.push(...entries.map(({ at }) => at - NOON))
    before = entries.at(-1)?.id ?? before
    if (page === 0) await audit.append([anEntry(NOON + 100)]) // newer than what was read: it moves no page
  }
  assert.deepEqual(seen, [6, 5, 4, 3, 2, 1, 0])
})

testEngines('what is older than its retention goes, and nothing else', async (_t, { database, query }) => {
  const audit = createAuditStore(database)
  await audit.append(Array.from({ length: 5200 }, (_, nth) => anEntry(NOON - 1 - nth)))
  await audit.append([anEntry(NOON), anEntry(NOON + 1)])
  assert.equal(await audit.prune(NOON), 5200)
  assert.equal(await audit.prune(NOON), 0)
  assert.deepEqual(await query('SELECT at FROM audit_log ORDER BY at'), [{ at: NOON }, { at: NOON + 1 }])
})

testEngines('an error of the database is a StoreError', async (_t, { database, query }) => {
  await query('DROP TABLE audit_log')
  const audit = createAuditStore(database)
  for (const work of [() => audit.append([anEntry(NOON)]), () => audit.list({ limit: 1 }), () => audit.prune(NOON)]) {
    await assert.rejects(work, StoreError)
  }
})
