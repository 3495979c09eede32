import type { KubernetesObject } from '../api/object.ts'
import { hashOf } from '../resources/names.ts'
import { APPLIED_HASH } from '../resources/labels.ts'
import { identityOf } from './children.ts'
import { holds } from './holds.ts'

/** Without them data or calls would be lost, so they go with the store or by somebody's hand. */
const NEVER_REMOVED: ReadonlySet<string> = new Set(['Deployment', 'PersistentVolumeClaim'])

export interface Changes {
  readonly apply: readonly KubernetesObject[]
  /** What somebody else has changed, among them. */
  readonly drifted: readonly KubernetesObject[]
  readonly remove: readonly KubernetesObject[]
}

/** What differs between what is wanted and what is there. What is as it should be is not written again. */
export function changesOf(wanted: readonly KubernetesObject[], children: readonly KubernetesObject[]): Changes {
  const live = new Map(children.map((child) => [identityOf(child), child]))
  const names = new Set(wanted.map(identityOf))
  const signed = wanted.map(sign)
  const apply = signed.filter((object) => !holds(live.get(identityOf(object)), object))
  return {
    apply,
    drifted: apply.filter((object) => hashIn(live.get(identityOf(object))) === hashIn(object)),
    remove: children.filter((child) => !NEVER_REMOVED.has(child.kind) && !names.has(identityOf(child))),
  }
}

/** With the hash of what is applied, so that what the operator no longer wants is told from what others have added. */
function sign(object: KubernetesObject): KubernetesObject {
  const { metadata } = object
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hashOf(JSON.stringify(object)) }
  return { ...object, metadata: { ...metadata, annotations } }
}

function hashIn(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.annotations?.[APPLIED_HASH]
}
