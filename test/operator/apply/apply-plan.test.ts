import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyPlan } from '../../../operator/apply/apply-plan.ts'
import { ApiError } from '../../../operator/client/api-error.ts'
import type { KubernetesObject } from '../../../operator/api/object.ts'
import { planFor } from '../../../operator/plan/plan.ts'
import { withRefusals } from '../../../operator/status/refused.ts'
import { deploymentSeen, migrated, postgresSpec, provided, storeOf } from '../../support/stores.ts'

const scaled = storeOf({ ...postgresSpec, autoscaling: { maxReplicas: 5 } })
const plan = planFor(scaled, migrated(scaled, provided({ deployment: deploymentSeen() })))

/** An API server that refuses one kind, and the kinds that were written. */
function refusing(kind: string, status: number, reason: string, explanation?: string) {
  const written: string[] = []
  const write = (object: KubernetesObject): Promise<KubernetesObject> => {
    if (object.kind === kind) return Promise.reject(new ApiError(`PATCH ${kind}`, { status, reason, explanation }))
    written.push(object.kind)
    return Promise.resolve(object)
  }
  return { written, client: { apply: write, create: write, remove: () => Promise.resolve(true) } }
}

test('what is refused of one object keeps none of the others, and the status says so', async () => {
  const { client, written } = refusing('Service', 422, 'Invalid', 'spec.ports: must be one')
  const refusals = await applyPlan(client, plan)
  assert.ok(written.includes('Deployment'))
  const { findings } = withRefusals(plan.status, refusals)
  assert.deepEqual([findings.Ready.reason, findings.Stalled.status], ['InvalidSpec', 'True'])
  assert.match(findings.Ready.message, /Service gate: spec\.ports: must be one/)
})

test('a Deployment whose pods could not be handed over is not applied: it would fall back to one pod', async () => {
  const { client } = refusing('Deployment', 403, 'Forbidden')
  let writes = 0
  const apply = (object: KubernetesObject): Promise<KubernetesObject> => {
    if (object.kind === 'Deployment') writes += 1
    return client.apply(object)
  }
  const refusals = await applyPlan({ ...client, apply }, plan)
  assert.equal(writes, 1)
  const { findings } = withRefusals(plan.status, refusals)
  assert.deepEqual([findings.Ready.reason, findings.Stalled.status], ['Forbidden', 'False'])
})

test('a quota of objects is told apart from a right that is missing', async () => {
  const { client } = refusing('Service', 403, 'Forbidden', 'exceeded quota: small, requested: services=1')
  assert.equal(withRefusals(plan.status, await applyPlan(client, plan)).findings.Ready.reason, 'QuotaExceeded')
})

test('a server that fails is asked again, and does not count as one that refuses', async () => {
  const { client } = refusing('Service', 500, 'InternalError')
  await assert.rejects(applyPlan(client, plan), ApiError)
})
