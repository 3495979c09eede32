import { apiKeyStoreSpec } from '../../operator/api/api-key-store.ts'
import type { Store } from '../../operator/api/object.ts'
import { childrenOf } from '../../operator/plan/children.ts'
import type { DeploymentSeen, Observed } from '../../operator/plan/observed.ts'
import { planFor } from '../../operator/plan/plan.ts'

export const NOW = Date.parse('2026-11-22T00:00:00Z')

type Json = Readonly<Record<string, unknown>>

/** A store as the API server hands it out, its defaults in place. */
export function storeOf(spec: Json, name = 'gate'): Store {
  return { name, namespace: 'llm', uid: 'uid-of-gate', generation: 1, spec: apiKeyStoreSpec.parse(spec) }
}

export const postgresSpec = {
  image: 'registry.example/tollgate:1',
  replicas: 2,
  database: { engine: 'postgres', postgres: { connectionSecretRef: { name: 'db' } } },
}

export const sqliteSpec = {
  image: 'registry.example/tollgate:1',
  database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } },
}

/** A cluster in which nothing is there of the store but the Secret of its database. */
export function observedOf(change: Partial<Observed> = {}): Observed {
  return {
    now: NOW,
    status: {},
    isDeleting: false,
    approval: undefined,
    secrets: new Map([secret('db', 'uri')]),
    databaseIdentity: 'database',
    children: [],
    strangers: [],
    deployment: undefined,
    pods: [],
    jobs: new Map(),
    isClaimPending: false,
    monitoringKinds: new Set(['ServiceMonitor', 'PrometheusRule']),
    operatorNamespace: 'tollgate-system',
    fresh: { adminKey: 'a fresh admin key', encryptionKey: 'a fresh encryption key' },
    ...change,
  }
}

/** The same with the Secrets that the operator makes. */
export function provided(change: Partial<Observed> = {}): Observed {
  const made = [secret('gate-admin-key', 'admin-key'), secret('gate-encryption-key', 'encryption-key')]
  const { secrets = new Map(), ...rest } = change
  return observedOf({ secrets: new Map([secret('db', 'uri'), ...made, ...secrets]), ...rest })
}

export function secret(name: string, ...keys: readonly string[]) {
  return [name, { hash: `hash of ${name}`, keys: new Set(keys) }] as const
}

export function deploymentSeen(change: Partial<DeploymentSeen> = {}): DeploymentSeen {
  return {
    image: postgresSpec.image,
    wanted: 2,
    replicas: 2,
    ready: 2,
    updated: 2,
    isObserved: true,
    isSizedByUs: true,
    isRolledOut: true,
    trouble: undefined,
    ...change,
  }
}

/** Plans, and lets the Job of the plan succeed, until the gate of the image is open. */
export function migrated(store: Store, observed: Observed): Observed {
  const plan = planFor(store, observed)
  const [job] = plan.create
  if (job === undefined) return observed
  const report = { schema: '8', pending: [], error: undefined }
  const seen = {
    object: job,
    state: 'succeeded',
    isAtWork: false,
    trouble: undefined,
    message: undefined,
    report,
  } as const
  const { findings: _, ...status } = planFor(store, { ...observed, jobs: new Map([[job.metadata.name, seen]]) }).status
  return { ...observed, status }
}

/** All that is there once a pass has applied everything. */
export function applied(store: Store, observed: Observed): Observed {
  const children = planFor(store, observed).apply.map(({ object }) => object)
  const count = childrenOf(store, observed).length
  if (children.length <= count) throw new Error('The Deployment is not among what was applied.')
  return { ...observed, children, deployment: deploymentSeen({ wanted: store.spec.replicas }) }
}
