import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuditor } from '../../../proxy/admin/auditor.ts'
import type { AuditedCall, AuditEntry } from '../../../proxy/domain/audit.ts'
import type { Actor } from '../../../proxy/domain/operation.ts'

const MINUTE_MS = 60_000
const admin: Actor = { id: 'a', name: 'root', isAdmin: true, tenantId: null }
const user: Actor = { id: 'u', name: 'alice', isAdmin: false, tenantId: null }
const nobody: Actor = { id: null, name: '', isAdmin: false, tenantId: null }

function aCall(different: Partial<AuditedCall> = {}): AuditedCall {
  return {
    operation: { id: 'put', isWrite: true },
    actor: admin,
    address: '192.0.2.1',
    status: 200,
    error: null,
    target: '',
    change: undefined,
    requestId: 'r',
    at: 7 * MINUTE_MS,
    ...different,
  }
}
const refusal = { status: 403, error: 'admin_required' } as const

/** An auditor whose store can be told to hang or to fail. */
function start(append: (entries: readonly AuditEntry[]) => Promise<void> = () => Promise.resolve()) {
  const batches: (readonly AuditEntry[])[] = []
  const lost: AuditEntry[] = []
  let serial = 0
  const auditor = createAuditor({
    store: { append: (entries) => append(entries).then(() => void batches.push(entries)) },
    newId: () => String((serial += 1)),
    onLost: (entries) => void lost.push(...entries),
  })
  return { auditor, batches, lost, written: () => batches.flat() }
}

test('of one caller, operation and minute one refusal is kept', async () => {
  const { auditor, written } = start()
  const read = { id: 'get', isWrite: false }
  for (let time = 0; time < 5; time += 1) {
    auditor.record(aCall({ actor: user, ...refusal }))
    auditor.record(aCall({ actor: nobody, ...refusal }))
    auditor.record(aCall({ actor: nobody, address: '192.0.2.2', ...refusal }))
    auditor.record(aCall({ actor: nobody, operation: read, ...refusal }))
  }
  auditor.record(aCall({ actor: nobody, at: 8 * MINUTE_MS, ...refusal }))
  await auditor.settled()
  assert.deepEqual(
    written().map(({ actor, operation }) => `${actor} ${operation}`),
    ['alice put', '192.0.2.1 put', '192.0.2.2 put', '192.0.2.1 get', '192.0.2.1 put'],
  )
})

test('strangers from everywhere write no more than sixty lines a minute', async () => {
  const { auditor, written } = start()
  const knock = (at: number): void => {
    for (let nth = 0; nth < 500; nth += 1)
      auditor.record(aCall({ actor: nobody, address: `host ${nth}`, at, ...refusal }))
  }
  knock(0)
  knock(MINUTE_MS - 1)
  await auditor.settled()
  assert.equal(written().length, 60)
  knock(MINUTE_MS)
  await auditor.settled()
  assert.equal(written().length, 120)
})

test('what administrators do is kept, every time, whatever strangers do', async () => {
  const { auditor, written } = start()
  for (let nth = 0; nth < 100; nth += 1) auditor.record(aCall({ actor: nobody, address: `host ${nth}`, ...refusal }))
  for (let nth = 0; nth < 100; nth += 1) auditor.record(aCall({ status: 409, error: 'conflict' }))
  auditor.record(aCall({ actor: user }))
  await auditor.settled()
  assert.equal(written().length, 161)
})

test('a database that is slow is asked once at a time, and only so many lines wait for it', async () => {
  const gates: (() => void)[] = []
  const { auditor, batches, lost } = start(() => new Promise((resolve) => void gates.push(resolve)))
  for (let nth = 0; nth < 1105; nth += 1) auditor.record(aCall())
  const settled = auditor.settled()
  assert.equal(gates.length, 1)
  gates[0]?.()
  await new Promise(setImmediate)
  gates[1]?.()
  await settled
  assert.deepEqual([batches.length, batches.flat().length, lost.length], [2, 1001, 104])
})

test('a line that cannot be written is handed over, and the next one is tried again', async () => {
  let isAway = true
  const { auditor, lost, written } = start(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()))
  auditor.record(aCall({ change: { target: 'one', after: { secret: 'hush' } } }))
  await auditor.settled()
  assert.deepEqual(
    lost.map(({ target, after }) => [target, after]),
    [['one', '{"secret":"***"}']],
  )
  isAway = false
  auditor.record(aCall({ change: { target: 'two' } }))
  await auditor.settled()
  assert.deepEqual(
    written().map(({ target }) => target),
    ['two'],
  )
})

test('names from outside are made to fit', async () => {
  const { auditor, written } = start()
  auditor.record(aCall({ change: { target: 'x\0'.repeat(300) } }))
  await auditor.settled()
  assert.equal(written()[0]?.target, 'x'.repeat(128))
})
