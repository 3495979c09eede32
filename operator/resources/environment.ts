import type { Store } from '../api/object.ts'
import { adminKeyOf, encryptionKeyOf, type SecretKey } from './names.ts'

export interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef: SecretKey & { readonly optional?: boolean } }
}

export const HTTP_PORT = 8080
export const METRICS_PORT = 9090
export const DATA_DIR = '/data'
export const CA_DIR = '/etc/tollgate/ca'
export const CA_FILE = 'ca.crt'

/** For the last words of a process that is ending, before the kubelet kills it. */
const LAST_WORDS_SECONDS = 5

/** How the connection Secret says where the database is: by a whole URL, or by its parts. */
export interface Connection {
  readonly secretName: string
  /** Variables of the proxy, and the keys of the Secret that hold them. */
  readonly keys: Readonly<Record<string, string>>
}

/** What the proxies read; see docs/configuration.md. */
export function proxyEnvironment(store: Store, connection: Connection | undefined): readonly Variable[] {
  const { drain } = store.spec
  const delaySeconds = drain?.shutdownDelaySeconds ?? 5
  const graceSeconds = (drain?.terminationGracePeriodSeconds ?? 60) - delaySeconds - LAST_WORDS_SECONDS
  return [
    { name: 'PORT', value: `${HTTP_PORT}` },
    { name: 'METRICS_PORT', value: `${METRICS_PORT}` },
    { name: 'SHUTDOWN_DELAY_MS', value: `${delaySeconds * 1000}` },
    { name: 'SHUTDOWN_GRACE_MS', value: `${Math.max(1, graceSeconds) * 1000}` },
    fromSecret('ADMIN_API_KEY', adminKeyOf(store)),
    ...storageEnvironment(store, connection),
    ...settingsEnvironment(store),
  ]
}

/** What the store says itself; some of it is about the database. */
export function settingsEnvironment({ spec: { settings = {} } }: Store): readonly Variable[] {
  return Object.entries(settings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }))
}

/** What every program of the image needs to work on the store's data. */
export function storageEnvironment(store: Store, connection: Connection | undefined): readonly Variable[] {
  const postgres = store.spec.database.postgres
  return [
    { name: 'DATA_DIR', value: DATA_DIR },
    { name: 'STORAGE_TYPE', value: 'database' },
    fromSecret('ENCRYPTION_KEY', encryptionKeyOf(store)),
    ...(connection === undefined ? [] : connectionVariables(connection)),
    ...(postgres === undefined
      ? []
      : [
          { name: 'SKIP_MIGRATION', value: 'true' },
          ...valued('POOL_MAX_CONNECTIONS', postgres.poolMax),
          ...valued('DB_STATEMENT_TIMEOUT_MS', postgres.statementTimeoutSeconds, 1000),
          ...sslVariables(postgres),
        ]),
  ]
}

function connectionVariables({ secretName, keys }: Connection): readonly Variable[] {
  return Object.entries(keys).map(([name, key]) => fromSecret(name, { name: secretName, key }))
}

function sslVariables({
  sslMode,
  caSecretRef,
}: NonNullable<Store['spec']['database']['postgres']>): readonly Variable[] {
  const mode = sslMode ?? (caSecretRef && 'verify-full')
  return [
    ...(mode === undefined ? [] : [{ name: 'DB_SSLMODE', value: mode }]),
    ...(caSecretRef === undefined ? [] : [{ name: 'DB_SSLROOTCERT', value: `${CA_DIR}/${CA_FILE}` }]),
  ]
}

function fromSecret(name: string, { name: secret, key }: SecretKey): Variable {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } }
}

function valued(name: string, value: number | undefined, factor = 1): readonly Variable[] {
  return value === undefined ? [] : [{ name, value: `${value * factor}` }]
}
