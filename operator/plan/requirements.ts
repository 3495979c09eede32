import type { KubernetesObject, Store } from '../api/object.ts'
import type { Reason } from '../api/reasons.ts'
import type { Connection } from '../resources/environment.ts'
import { adminKeyOf, encryptionKeyOf, hashOf, type SecretKey } from '../resources/names.ts'
import { CA_FILE } from '../resources/environment.ts'
import { adminKeySecret, encryptionKeySecret } from '../resources/secrets.ts'
import { findConnection } from './connection.ts'
import type { Observed } from './observed.ts'

export interface Connections {
  /** Of the proxies, and of Jobs; undefined for SQLite. */
  readonly proxy: Connection | undefined
  readonly job: Connection | undefined
}

export type Requirements =
  | { readonly kind: 'missing'; readonly reason: Reason; readonly detail: string }
  /** Nothing else is done before these are there: their content is part of what the pods are made of. */
  | { readonly kind: 'to make'; readonly secrets: readonly KubernetesObject[] }
  | { readonly kind: 'met'; readonly connections: Connections; readonly configHash: string }

/** What has to be there before anything of a store can run. */
export function requirements(store: Store, observed: Observed): Requirements {
  const { strangers } = observed
  if (strangers.length > 0) return missing('NameConflict', `${strangers.join(', ')}.`)
  const encryptionKey = encryptionKeyOf(store).name
  if (!observed.secrets.has(encryptionKey) && hadKey(observed)) {
    return missing('EncryptionKeyMissing', `It was in the Secret ${encryptionKey}.`)
  }
  const lack = lackOfKeys(store, observed)
  if (lack !== undefined) return lack
  const connections = connectionsOf(store, observed)
  if ('reason' in connections) return connections

  const secrets = secretsToMake(store, observed)
  return secrets.length > 0
    ? { kind: 'to make', secrets }
    : { kind: 'met', connections, configHash: configHash(store, observed, connections) }
}

type Lack = Extract<Requirements, { readonly kind: 'missing' }>

/** Whether something may have been encrypted already: the key is there before anything runs. */
function hadKey({ status, deployment }: Observed): boolean {
  return status.schema?.current !== undefined || status.effective?.image !== undefined || deployment !== undefined
}

function lackOfKeys(store: Store, { secrets }: Observed): Lack | undefined {
  const made = [adminKeyOf(store), encryptionKeyOf(store)].filter(({ name }) => secrets.has(name))
  for (const { name, key } of [...referencedKeys(store), ...made]) {
    const secret = secrets.get(name)
    if (secret === undefined) return missing('SecretMissing', `It is called ${name}.`)
    if (key !== undefined && !secret.keys.has(key))
      return missing('SecretKeyMissing', `The Secret ${name} has no ${key}.`)
  }
  return undefined
}

/** What the spec names, without what is made where it names nothing. */
function referencedKeys(store: Store): readonly { readonly name: string; readonly key?: string }[] {
  const { database, secrets } = store.spec
  const ca = database.postgres?.caSecretRef
  return [
    ...(ca === undefined ? [] : [{ name: ca.name, key: ca.key ?? CA_FILE }]),
    ...(secrets?.adminKeySecretRef === undefined ? [] : [adminKeyOf(store)]),
    ...(secrets?.encryptionKeySecretRef === undefined ? [] : [encryptionKeyOf(store)]),
    ...(secrets?.providerSecretRefs ?? []),
  ]
}

function connectionsOf(store: Store, observed: Observed): Connections | Lack {
  const { postgres } = store.spec.database
  if (postgres === undefined) return { proxy: undefined, job: undefined }
  const of = (name: string): Connection | Lack => {
    const secret = observed.secrets.get(name)
    if (secret === undefined) return missing('SecretMissing', `It is called ${name}.`)
    const found = findConnection(name, secret.keys, postgres.keys)
    return found.kind === 'found'
      ? found.connection
      : missing('SecretKeyMissing', `The Secret ${name} has no ${found.key}.`)
  }
  const proxy = of(postgres.connectionSecretRef.name)
  if ('reason' in proxy) return proxy
  const job = postgres.migrationSecretRef === undefined ? proxy : of(postgres.migrationSecretRef.name)
  return 'reason' in job ? job : { proxy, job }
}

function missing(reason: Reason, detail: string): Lack {
  return { kind: 'missing', reason, detail }
}

function secretsToMake(store: Store, { secrets, fresh }: Observed): readonly KubernetesObject[] {
  const lacks = ({ name }: SecretKey): boolean => !secrets.has(name)
  return [
    ...(lacks(adminKeyOf(store)) ? [adminKeySecret(store, fresh.adminKey)] : []),
    ...(lacks(encryptionKeyOf(store)) ? [encryptionKeySecret(store, fresh.encryptionKey)] : []),
  ]
}

/** Of the content of every Secret that the pods read when they start, so that a change of one replaces them. */
function configHash(store: Store, { secrets }: Observed, { proxy }: Connections): string {
  const names = [
    ...(proxy === undefined ? [] : [proxy.secretName]),
    ...referencedKeys(store).map(({ name }) => name),
    adminKeyOf(store).name,
    encryptionKeyOf(store).name,
  ]
  return hashOf(...[...new Set(names)].toSorted().flatMap((name) => [name, secrets.get(name)?.hash]))
}

/** The names of the Secrets that a pass has to read. */
export function secretNamesOf(store: Store): readonly string[] {
  const { postgres } = store.spec.database
  const names = [
    postgres?.connectionSecretRef.name,
    postgres?.migrationSecretRef?.name,
    ...referencedKeys(store).map(({ name }) => name),
    adminKeyOf(store).name,
    encryptionKeyOf(store).name,
  ]
  return [...new Set(names.filter((name) => name !== undefined))]
}
