import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubernetesObject } from '../../../operator/api/object.ts'
import { planFor } from '../../../operator/plan/plan.ts'
import { createRecorder } from '../../../operator/status/record-events.ts'
import { writeStatus } from '../../../operator/status/write-status.ts'
import { NOW, observedOf, postgresSpec, storeOf } from '../../support/stores.ts'

const lacking = planFor(storeOf(postgresSpec), observedOf({ secrets: new Map() })).status
const starting = planFor(storeOf(postgresSpec), observedOf()).status

function fresh(): KubernetesObject {
  const metadata = { name: 'gate', namespace: 'llm', uid: 'uid-of-gate', generation: 1 }
  return { apiVersion: 'tollgate.dev/v1alpha1', kind: 'ApiKeyStore', metadata }
}

test('a status is written once, and its times move only with True and False', async () => {
  let stored = fresh()
  let writes = 0
  const client = {
    applyStatus(object: KubernetesObject) {
      writes += 1
      stored = { ...fresh(), status: object['status'] }
      return Promise.resolve(stored)
    },
  }
  const timeOf = (type: string) => {
    const { conditions } = stored['status'] as { conditions: { type: string; lastTransitionTime: string }[] } // safe: as written
    return conditions.find((condition) => condition.type === type)?.lastTransitionTime
  }
  await writeStatus(client, stored, starting, NOW)
  await writeStatus(client, stored, starting, NOW + 1000)
  assert.equal(writes, 1)
  await writeStatus(client, stored, lacking, NOW + 5000)
  assert.equal(writes, 2)
  assert.deepEqual([timeOf('Ready'), timeOf('Stalled')], ['2026-11-22T00:00:00Z', '2026-11-22T00:00:05Z'])
})

test('what has changed is an event, once in five minutes', async () => {
  const notes: string[] = []
  let now = NOW
  const client = {
    create(object: KubernetesObject) {
      notes.push(`${String(object['type'])} ${String(object['reason'])} ${String(object['eventTime'])}`)
      return Promise.resolve(object)
    },
  }
  const recorder = createRecorder(client, 'operator-0', () => now)
  await recorder.record(fresh(), lacking, [])
  await recorder.record(fresh(), lacking, ['Deployment gate'])
  now += 300_000
  await recorder.record(fresh(), lacking, [])
  assert.deepEqual(notes, [
    'Warning SecretMissing 2026-11-22T00:00:00.000000Z',
    'Warning DriftCorrected 2026-11-22T00:00:00.000000Z',
    'Warning SecretMissing 2026-11-22T00:05:00.000000Z',
  ])
})
