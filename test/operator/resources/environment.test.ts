import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiKeyStoreSpec } from '../../../operator/api/api-key-store.ts'
import { findConnection } from '../../../operator/plan/connection.ts'
import { proxyEnvironment } from '../../../operator/resources/environment.ts'
import { postgresSpec, sqliteSpec, storeOf } from '../../support/stores.ts'

const everything = {
  ...postgresSpec,
  database: {
    engine: 'postgres',
    postgres: {
      connectionSecretRef: { name: 'db' },
      caSecretRef: { name: 'ca' },
      poolMax: 20,
      statementTimeoutSeconds: 5,
    },
  },
}

/** Of a store whose connection Secret has these keys. */
function variablesOf(spec: typeof everything | typeof sqliteSpec, ...keys: readonly string[]): readonly string[] {
  const found = findConnection('db', new Set(keys))
  const connection = found.kind === 'found' ? found.connection : undefined
  return proxyEnvironment(storeOf(spec), connection).map(({ name }) => name)
}

test('no setting can replace a variable that the operator sets', () => {
  const variables = new Set([
    ...variablesOf(everything, 'uri'),
    ...variablesOf(everything, 'host', 'port', 'user', 'password', 'dbname'),
    ...variablesOf(sqliteSpec),
  ])
  assert.ok(variables.has('DATABASE_URL') && variables.has('DB_PORT') && variables.has('DB_SSLROOTCERT'))
  const accepted = [...variables].filter(
    (name) => apiKeyStoreSpec.safeParse({ ...postgresSpec, settings: { [name]: '1' } }).success,
  )
  assert.deepEqual(accepted, [])
  assert.ok(apiKeyStoreSpec.safeParse({ ...postgresSpec, settings: { LOG_LEVEL: 'debug' } }).success)
})
