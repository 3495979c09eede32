import {
  BaseError,
  ConnectionAcquireTimeoutError,
  ConnectionError,
  ForeignKeyConstraintError,
  UniqueConstraintError,
  ValidationError,
} from 'sequelize'
import { StoreError, type StoreErrorKind } from '../domain/store-error.ts'

/**
 * Which kind of error a code of an engine is, and whether waiting may help. PostgreSQL's SQLSTATE by its class or whole
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), SQLite's result codes
 * (https://www.sqlite.org/rescode.html). What is not listed is `query`: SQLITE_ERROR, for one, is also a missing table,
 * which is no entry's fault.
 */
const meanings: Readonly<Record<string, StoreErrorKind | 'transient'>> = {
  '08': 'connection',
  '22': 'validation',
  '23': 'constraint',
  '25006': 'transient', // read-only: a standby that is not promoted yet
  28: 'connection', // a password that is being rotated; the start tells of one that is wrong
  '3D000': 'connection', // no such database
  40: 'transient', // deadlock, serialization failure
  53: 'connection', // too many connections, disk full
  55: 'transient', // lock not available
  57: 'connection', // shut down, starting up
  '57014': 'transient', // cancelled by a time-out
  SQLITE_BUSY: 'transient',
  SQLITE_LOCKED: 'transient',
  SQLITE_IOERR: 'connection',
  SQLITE_FULL: 'connection',
  SQLITE_CANTOPEN: 'connection',
  SQLITE_CONSTRAINT: 'constraint',
  SQLITE_MISMATCH: 'validation',
  SQLITE_RANGE: 'validation',
  SQLITE_TOOBIG: 'validation',
}

/** What `pg` says of a connection that broke has no code. */
const BROKEN = /^(?:Query read timeout|Connection terminated|Client has encountered a connection error|timeout expired)/

/** Any error of an engine, as the one class that the rest of the program knows. */
export function storeError(operation: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const cause = parentOf(error)
  const code = text(cause, 'code')
  const meaning = meaningOf(error, cause, code)
  const kind = meaning === 'transient' ? 'query' : meaning
  // The engine's sentence about data can quote them.
  const isTold = kind === 'connection' || kind === 'query'
  const message = isTold && cause instanceof Error && cause.message !== '' ? cause.message : (code ?? 'unknown error')
  const table = text(cause, 'table')
  const constraint = text(cause, 'constraint')
  return new StoreError(kind, `${operation}: ${message.split('\n')[0]}`, {
    operation,
    ...(table !== undefined && { table }),
    ...(constraint !== undefined && { constraint }),
    ...(code !== undefined && { code }),
    ...(meaning === 'transient' && { isTransient: true }),
    cause: isTold ? error : silenced(error),
  })
}

/** Who logs an error logs its causes too. */
function silenced(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined
  const silent = new Error(error.name)
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  silent.stack = [error.name, ...frames].join('\n')
  return silent
}

function meaningOf(error: unknown, cause: unknown, code: string | undefined): StoreErrorKind | 'transient' {
  if (error instanceof UniqueConstraintError || error instanceof ForeignKeyConstraintError) return 'constraint'
  if (error instanceof ValidationError) return 'validation'
  const known = code === undefined ? undefined : (meanings[code] ?? meanings[code.slice(0, 2)])
  if (known !== undefined) return known
  const isConnection =
    error instanceof ConnectionError ||
    error instanceof ConnectionAcquireTimeoutError ||
    (cause instanceof Error && BROKEN.test(cause.message)) ||
    (code !== undefined && /^E[A-Z]+$/.test(code)) // an errno
  return isConnection ? 'connection' : 'query'
}

/** The engine's own error, which Sequelize wraps. */
function parentOf(error: unknown): unknown {
  return error instanceof BaseError && 'parent' in error && error.parent !== undefined ? error.parent : error
}

function text(error: unknown, field: 'code' | 'table' | 'constraint'): string | undefined {
  const value = typeof error === 'object' && error !== null && field in error ? (error as never)[field] : undefined
  return typeof value === 'string' ? value : undefined
}
