import type { ApiKeyStoreSpec } from '../api/api-key-store.ts'
import type { Store } from '../api/object.ts'
import { CA_DIR, CA_FILE, DATA_DIR } from './environment.ts'
import { selectorOf } from './labels.ts'
import { claimName } from './names.ts'

type PodChoices = NonNullable<ApiKeyStoreSpec['podTemplate']>

/** The user of the image. */
const UID = 10_001

/** Pods that a namespace with `enforce=restricted` lets in (kubernetes.io: "Pod Security Standards"). */
export const securityContext = {
  runAsNonRoot: true,
  runAsUser: UID,
  runAsGroup: UID,
  fsGroup: UID,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
}

const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** What an image that the store names is run with. */
export function container(
  { spec }: Store,
  image: string,
  {
    name,
    args,
    ...rest
  }: { readonly name: string; readonly args: readonly string[]; readonly [field: string]: unknown },
) {
  return {
    name,
    image,
    ...(spec.imagePullPolicy !== undefined && { imagePullPolicy: spec.imagePullPolicy }),
    args,
    ...rest,
    securityContext: containerSecurityContext,
    volumeMounts: volumeMounts(spec),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function volumeMounts({ database }: ApiKeyStoreSpec) {
  return [
    { name: 'data', mountPath: DATA_DIR },
    { name: 'tmp', mountPath: '/tmp' },
    ...(database.postgres?.caSecretRef === undefined ? [] : [{ name: 'ca', mountPath: CA_DIR, readOnly: true }]),
  ]
}

export function volumes(store: Store) {
  const { database } = store.spec
  const ca = database.postgres?.caSecretRef
  const caItems = ca && [{ key: ca.key ?? CA_FILE, path: CA_FILE }]
  return [
    database.engine === 'sqlite'
      ? { name: 'data', persistentVolumeClaim: { claimName: claimName(store) } }
      : { name: 'data', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
    ...(ca === undefined ? [] : [{ name: 'ca', secret: { secretName: ca.name, items: caItems } }]),
  ]
}

/** Over nodes and zones as far as possible; of pods of one template, so that a roll-out does not count the old ones. */
const spreads = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
  topologyKey,
  maxSkew: 1,
  whenUnsatisfiable: 'ScheduleAnyway',
  matchLabelKeys: ['pod-template-hash'],
}))

/** How the pods of the proxies spread. */
export function spreading(store: Store) {
  const { database, podTemplate } = store.spec
  const chosen = podTemplate?.topologySpreadConstraints ?? (database.engine === 'sqlite' ? [] : spreads)
  const labelSelector = { matchLabels: selectorOf(store) }
  return chosen.length === 0
    ? {}
    : { topologySpreadConstraints: chosen.map((constraint) => ({ ...constraint, labelSelector })) }
}

/** What the store says of where its pods run. */
export function placement(store: Store, choices: PodChoices = {}) {
  const { affinity, nodeSelector, tolerations, priorityClassName } = choices
  return {
    ...(store.spec.imagePullSecrets && { imagePullSecrets: store.spec.imagePullSecrets }),
    ...(affinity && { affinity }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(priorityClassName !== undefined && { priorityClassName }),
  }
}
