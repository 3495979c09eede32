import type { Config } from '../config.ts'
import type { StoreError } from '../domain/store-error.ts'
import { storageVariable } from '../storage.ts'
import { CommandError } from './errors.ts'

const UNTRUSTED =
  'the certificate of the server is not signed by an authority that is trusted here; name its file in DB_SSLROOTCERT.'

/** What codes of engines and errnos mean to whoever set the variable. */
const meanings: Readonly<Record<string, string>> = {
  '28P01': 'PostgreSQL refuses the user or the password.',
  28000: 'PostgreSQL refuses the user or the password.',
  '3D000': 'PostgreSQL has no database of this name; create it first.',
  25006: 'the database is read-only; name the primary server.',
  42501: 'the user may not do this; grant it CREATE on the database, or run tollgate schema up as its owner.',
  53300: 'PostgreSQL has no connection left for us; raise its max_connections or lower POOL_MAX_CONNECTIONS.',
  EACCES: 'a folder on the way to it may not be used; check its owner and mode.',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate of the server is for another host name; name that host, or set DB_SSLMODE=verify-ca.',
  ECONNREFUSED: 'nothing listens there; is the server running, are host and port right?',
  ECONNRESET: 'the server cut the connection.',
  EAI_AGAIN: 'the host name cannot be looked up at the moment.',
  EHOSTUNREACH: 'the host cannot be reached.',
  ENETUNREACH: 'the host cannot be reached.',
  ENOTFOUND: 'there is no such host.',
  ENOTDIR: 'what should be a folder on the way to it is a file.',
  EROFS: 'it is on a file system that cannot be written.',
  ETIMEDOUT: 'the host does not answer.',
  SQLITE_NOTADB: 'the file is not an SQLite database; name another one.',
  SQLITE_CORRUPT: 'the SQLite file is damaged; restore a backup.',
  SQLITE_READONLY: 'the SQLite file cannot be written; check its owner and mode, and those of its folder.',
  SQLITE_CANTOPEN: 'the SQLite file cannot be opened; check its owner and mode, and those of its folder.',
  SQLITE_FULL: 'the disk is full.',
}

/** One sentence that names the variable, and holds no password: neither codes nor the engines' sentences do. */
export function storeProblem(config: Config, error: StoreError, variable = variableOf(config, error)): CommandError {
  const namesVariable = /^(?:DATA_FILE|DATABASE_\w+|DB_\w+)\b/.test(error.message)
  if (namesVariable) return new CommandError(error.message, { cause: error })
  const meaning = (error.code === undefined ? undefined : meanings[error.code]) ?? error.message
  return new CommandError(`${variable}: ${/[.?!]$/.test(meaning) ? meaning : `${meaning}.`}`, { cause: error })
}

function variableOf(config: Config, { operation }: StoreError): string {
  return operation === 'migrate the schema' ? schemaVariable(config) : storageVariable(config)
}

/** The variable of the connection over which the schema is changed. */
export function schemaVariable(config: Config): string {
  const variable = storageVariable(config)
  return variable === 'DATABASE_URL' && config.DATABASE_DIRECT_URL !== undefined ? 'DATABASE_DIRECT_URL' : variable
}
