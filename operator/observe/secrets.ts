import type { Client } from '../client/client.ts'
import { kinds } from '../client/kinds.ts'
import type { KubernetesObject, Store } from '../api/object.ts'
import { databaseIdentity, findConnection } from '../plan/connection.ts'
import type { SecretSeen } from '../plan/observed.ts'
import { secretNamesOf } from '../plan/requirements.ts'
import { hashOf } from '../resources/names.ts'

interface Secret extends KubernetesObject {
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>
}

interface SecretsSeen {
  readonly secrets: ReadonlyMap<string, SecretSeen>
  readonly databaseIdentity: string | undefined
}

/** The Secrets that the store speaks of, by name: the operator lists and watches none. Their values stay in here. */
export async function observeSecrets(client: Pick<Client, 'get'>, store: Store): Promise<SecretsSeen> {
  const { namespace, spec } = store
  const read = async (name: string): Promise<readonly [string, Secret | undefined]> => [
    name,
    await client.get(kinds.Secret, { namespace, name }),
  ]
  const found = new Map(await Promise.all(secretNamesOf(store).map(read)))
  const secrets = new Map([...found].flatMap(([name, secret]) => (secret ? [[name, secretSeen(secret)] as const] : [])))
  const { postgres } = spec.database
  return { secrets, databaseIdentity: postgres && identityOf(postgres, found, secrets, spec.settings?.['DB_SCHEMA']) }
}

function secretSeen({ data = {} }: Secret): SecretSeen {
  const entries = Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    hash: hashOf(...entries.flat()),
    keys: new Set(entries.filter(([, value]) => value !== '').map(([key]) => key)),
  }
}

function identityOf(
  { connectionSecretRef: { name }, keys }: NonNullable<Store['spec']['database']['postgres']>,
  found: ReadonlyMap<string, Secret | undefined>,
  secrets: ReadonlyMap<string, SecretSeen>,
  schema: string | undefined,
): string | undefined {
  const data = found.get(name)?.data ?? {}
  const connection = findConnection(name, secrets.get(name)?.keys ?? new Set(), keys)
  if (connection.kind === 'missing') return undefined
  return databaseIdentity(
    connection.connection,
    (key) => data[key] && Buffer.from(data[key], 'base64').toString(),
    schema,
  )
}
