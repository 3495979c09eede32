import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusOfInvalid } from '../../../operator/plan/blamed.ts'
import { planFor } from '../../../operator/plan/plan.ts'
import { readStatus, readStore } from '../../../operator/plan/read-store.ts'
import { observedOf, postgresSpec, storeOf } from '../../support/stores.ts'

function object(spec: object, status: object = {}) {
  const metadata = { name: 'gate', namespace: 'llm', uid: 'uid-of-gate', generation: 1 }
  return { apiVersion: 'tollgate.dev/v1alpha1', kind: 'ApiKeyStore', metadata, spec, status }
}

test('a store is read with its defaults', () => {
  const { replicas: _, ...spec } = postgresSpec
  assert.deepEqual(readStore(object(spec)), { kind: 'store', store: storeOf({ ...spec, replicas: 1 }) })
})

test('of a spec from before a rule it is told where it is wrong, and nothing of what it says', () => {
  const settings = { DATABASE_URL: 'postgres://user:p4ssword@db/x' }
  const reading = readStore(object({ ...postgresSpec, settings, replicas: -1 }))
  assert.equal(reading.kind, 'invalid')
  assert.match(reading.problems, /spec\.replicas: .*; spec\.settings: settings cannot hold variables/)
  assert.doesNotMatch(reading.problems, /p4ssword/)
})

test('a spec that nothing can be made of stalls the store, and the rest of the status stays', () => {
  const { findings: before, ...kept } = planFor(storeOf(postgresSpec), observedOf()).status
  const conditions = Object.entries(before).map(([type, finding]) => ({
    type,
    ...finding,
    lastTransitionTime: '2026-11-22T00:00:00Z',
  }))
  const status = readStatus(object({}, { ...kept, conditions }))
  const { findings, ...told } = statusOfInvalid(status, 2, 'spec.image: is needed.')
  assert.deepEqual(told, { ...kept, observedGeneration: 2 })
  assert.deepEqual(
    [findings.Ready.reason, findings.Stalled.status, findings.Reconciling.status],
    ['InvalidSpec', 'True', 'False'],
  )
  assert.deepEqual(findings.BackupConfigured, before.BackupConfigured)
})

test('of a status that another version wrote in another way the rest is still known', () => {
  const status = { version: '1.0.0', schema: { current: '8' }, conditions: [{ type: 'Odd' }], replicas: 'many' }
  assert.deepEqual(readStatus(object({}, status)), { version: '1.0.0', schema: { current: '8' } })
  assert.deepEqual(readStatus(object({}, { schema: 'eight' })), {})
})
