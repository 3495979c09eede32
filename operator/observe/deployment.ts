import type { KubernetesObject } from '../api/object.ts'
import { isQuotaRefusal } from '../api/quota.ts'
import type { DeploymentSeen, Trouble } from '../plan/observed.ts'
import { MANAGER } from '../resources/labels.ts'

interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image?: string }[] }
    }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly readyReplicas?: number
    readonly updatedReplicas?: number
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

interface ManagedFields {
  readonly managedFields?: readonly {
    readonly manager?: string
    readonly operation?: string
    readonly fieldsV1?: { readonly 'f:spec'?: Readonly<Record<string, unknown>> }
  }[]
}

const MAX_MESSAGE = 500

export function deploymentSeen(object: KubernetesObject): DeploymentSeen {
  const { metadata, spec, status = {} } = object as Deployment // safe: the API server's own schema
  const { managedFields = [] } = metadata as ManagedFields // safe: as above
  const rolledOut = status.conditions?.find(({ type }) => type === 'Progressing')
  return {
    image: spec.template.spec.containers.find(({ name }) => name === 'proxy')?.image,
    wanted: spec.replicas ?? 1,
    replicas: status.replicas ?? 0,
    ready: status.readyReplicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    isObserved: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    isSizedByUs: managedFields.some(
      ({ manager, operation, fieldsV1 }) =>
        manager === MANAGER && operation === 'Apply' && fieldsV1?.['f:spec']?.['f:replicas'] !== undefined,
    ),
    isRolledOut: rolledOut?.reason === 'NewReplicaSetAvailable',
    trouble: troubleOf(status.conditions ?? []),
  }
}

function troubleOf(conditions: NonNullable<NonNullable<Deployment['status']>['conditions']>): Trouble | undefined {
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  const late = conditions.find(({ type, status }) => type === 'Progressing' && status === 'False')
  const { message } = failure ?? late ?? {}
  if (message === undefined) return undefined
  return {
    reason: isQuotaRefusal(message) ? 'QuotaExceeded' : 'PodsNotReady',
    message: message.slice(0, MAX_MESSAGE),
  }
}
