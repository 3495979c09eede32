import type { ApiKeyStoreSpec } from '../api/api-key-store.ts'
import type { Connection } from '../resources/environment.ts'
import { hashOf } from '../resources/names.ts'

type KeyNames = NonNullable<ApiKeyStoreSpec['database']['postgres']>['keys']

export type ConnectionFound =
  | { readonly kind: 'found'; readonly connection: Connection }
  | { readonly kind: 'missing'; readonly key: string }

/** Which keys of the Secret say where the database is: the URL counts before its parts. */
export function findConnection(secretName: string, given: ReadonlySet<string>, names: KeyNames = {}): ConnectionFound {
  const chosen = (...candidates: readonly (string | undefined)[]): string | undefined =>
    candidates.find((key) => key !== undefined && given.has(key))
  const uri = chosen(...(names.uri === undefined ? ['uri', 'url'] : [names.uri]))
  if (uri !== undefined) return { kind: 'found', connection: { secretName, keys: { DATABASE_URL: uri } } }

  const parts = {
    DB_HOST: chosen(names.host ?? 'host'),
    DB_PORT: chosen(names.port ?? 'port'),
    DB_USER: chosen(...(names.user === undefined ? ['user', 'username'] : [names.user])),
    DB_PASSWORD: chosen(names.password ?? 'password'),
    DB_NAME: chosen(names.dbname ?? 'dbname'),
  }
  const needed = {
    DB_HOST: names.host ?? names.uri ?? 'uri',
    DB_USER: names.user ?? 'user',
    DB_PASSWORD: names.password ?? 'password',
    DB_NAME: names.dbname ?? 'dbname',
  }
  for (const [part, key] of Object.entries(needed)) {
    if (parts[part as keyof typeof needed] === undefined) return { kind: 'missing', key } // safe: of its own keys
  }
  const keys = Object.fromEntries(
    Object.entries(parts).flatMap(([part, key]) => (key === undefined ? [] : [[part, key]])),
  )
  return { kind: 'found', connection: { secretName, keys } }
}

/**
 * Of the server and the database that the Secret speaks of, but of nobody's name or password: a migration is for a
 * database, whoever connects to it. Undefined where that cannot be read.
 */
export function databaseIdentity(
  { keys }: Connection,
  valueOf: (key: string) => string | undefined,
  schema: string | undefined,
): string | undefined {
  const read = (variable: string): string | undefined => {
    const key = keys[variable]
    return key === undefined ? undefined : valueOf(key)?.trim()
  }
  const uri = read('DATABASE_URL')
  if (uri === undefined) return hashOf(read('DB_HOST'), read('DB_PORT') ?? '5432', read('DB_NAME'), schema)
  if (!URL.canParse(uri)) return undefined
  const { hostname, port, pathname } = new URL(uri)
  return hashOf(hostname, port || '5432', pathname.slice(1), schema)
}
