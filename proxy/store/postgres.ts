import { readFileSync } from 'node:fs'
import { type ClientConfig, type default as Pg } from 'pg'
import { Sequelize } from 'sequelize'
import { StoreError } from '../domain/store-error.ts'
import type { Database } from './database.ts'

type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full'

/** Where a PostgreSQL is and how to speak with it. Times are milliseconds. */
export interface PostgresSettings {
  readonly url: string
  readonly schema: string
  /** Wins over what the URL says. */
  readonly sslMode: SslMode | undefined
  /** A file with the certificates of the authorities to trust; without it, the system's. */
  readonly sslRootCert: string | undefined
  readonly applicationName: string
  readonly connectTimeoutMs: number
  /** 0 is none. */
  readonly statementTimeoutMs: number
  readonly pool: { readonly max: number; readonly idleMs: number }
  /** The server behind `url` is a transaction pooler, which takes no settings at the start of a connection. */
  readonly isPooler: boolean
}

/** The answer to a statement may take a little longer than the statement. */
const ANSWER_MARGIN_MS = 1000
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }

/** The package `pg`, loaded by those who use it. */
export async function loadPg(): Promise<typeof Pg> {
  const { default: pg } = await import('pg')
  pg.defaults.parseInt8 = true // all our numbers are below 2^53
  return pg
}

/** Sequelize over a pool of connections. Nothing is connected until the first statement. */
export async function openPostgres(settings: PostgresSettings): Promise<Database> {
  const { user, password, host, port, database, ssl } = connectionOf(settings)
  const sequelize = new Sequelize({
    dialect: 'postgres',
    dialectModule: await loadPg(),
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password: String(password) }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(database !== undefined && { database }),
    logging: false,
    retry: { max: 1 }, // who calls knows whether and when to try again
    // No session state: behind a transaction pooler the next statement may run in another session.
    keepDefaultTimezone: true,
    standardConformingStrings: false,
    databaseVersion: '12.0.0', // spares a question; the oldest that is still a PostgreSQL we know
    pool: {
      max: settings.pool.max,
      min: 0,
      idle: settings.pool.idleMs,
      acquire: settings.connectTimeoutMs,
      evict: 1000,
    },
    dialectOptions: {
      ...KEEP_ALIVE,
      ssl,
      application_name: settings.applicationName,
      connectionTimeoutMillis: settings.connectTimeoutMs,
      ...timeoutsOf(settings),
      clientMinMessages: 'ignore',
    },
  } as ConstructorParameters<typeof Sequelize>[0] & object) // safe: its types lack standardConformingStrings
  return {
    engine: 'postgres',
    sequelize,
    schema: settings.schema,
    hasSessions: !settings.isPooler,
    write: (work) => sequelize.transaction(work),
    close: () => sequelize.close(),
  }
}

function timeoutsOf({ statementTimeoutMs, isPooler }: PostgresSettings): object {
  if (statementTimeoutMs === 0) return {}
  // Ours too, since a server that vanished does not tell that its time-out has passed.
  const ours = { query_timeout: statementTimeoutMs + ANSWER_MARGIN_MS }
  return isPooler ? ours : { ...ours, statement_timeout: statementTimeoutMs }
}

/** What `pg` needs to connect, TLS included. */
export function connectionOf(settings: PostgresSettings): ClientConfig {
  const url = new URL(settings.url)
  const decoded = (text: string): string | undefined => (text === '' ? undefined : decodeURIComponent(text))
  const socketFolder = url.searchParams.get('host')
  const host = socketFolder ?? decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'))
  return {
    ...KEEP_ALIVE,
    ...defined({
      user: decoded(url.username),
      password: decoded(url.password),
      host,
      port: url.port === '' ? undefined : Number(url.port),
      database: decoded(url.pathname.slice(1)),
    }),
    ssl: sslOf(settings),
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
  }
}

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION; what is not there cannot be had from pg. */
function sslOf({ url, sslMode, sslRootCert }: PostgresSettings): ClientConfig['ssl'] {
  const mode = sslMode ?? new URL(url).searchParams.get('sslmode') ?? 'disable'
  if (mode === 'disable') return false
  if (mode === 'require') return { rejectUnauthorized: false }
  const ca = sslRootCert === undefined ? {} : { ca: readCertificates(sslRootCert) }
  if (mode === 'verify-ca') return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return { ...ca, rejectUnauthorized: true } // pg gives the host to compare with
}

function readCertificates(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw badCertificates(`${path} cannot be read`, cause)
  }
  // To TLS a file without any trusts nobody, and the server would be told to be at fault.
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw badCertificates(`${path} holds no certificate in PEM`)
  return text
}

function badCertificates(what: string, cause?: unknown): StoreError {
  return new StoreError('query', `DB_SSLROOTCERT: ${what}.`, { operation: 'read the certificates', cause })
}

function defined<T extends object>(fields: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  // safe: what is undefined is left out
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>
  }
}
