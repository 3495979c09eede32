/**
 * `connection`: the store is away. `query`: it answered, and refused what it was asked (a missing table, a permission,
 * a read-only file, a lock). `constraint` and `validation`: it refused what the data say, and would do so again.
 */
export type StoreErrorKind = 'connection' | 'query' | 'constraint' | 'validation'

interface Particulars {
  /** What was being done: `find a key`, `write entries`. */
  readonly operation: string
  readonly table?: string
  readonly constraint?: string
  /** The engine's own code: a SQLSTATE, an SQLite result, an errno. */
  readonly code?: string
  /** Waiting may help. */
  readonly isTransient?: boolean
  /** The one entry that is at fault, where the store can tell. */
  readonly entryId?: string
  readonly cause?: unknown
}

/** Storage could not do what it was asked to. `message` is one sentence that holds no value of a row. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly kind: StoreErrorKind
  readonly operation: string
  readonly table: string | undefined
  readonly constraint: string | undefined
  readonly code: string | undefined
  readonly isTransient: boolean
  readonly entryId: string | undefined

  constructor(kind: StoreErrorKind, message: string, particulars: Particulars) {
    super(message, { cause: particulars.cause })
    this.kind = kind
    this.operation = particulars.operation
    this.table = particulars.table
    this.constraint = particulars.constraint
    this.code = particulars.code
    this.entryId = particulars.entryId
    this.isTransient = particulars.isTransient ?? kind === 'connection'
  }
}

/** Whether the store could not be asked at all. */
export function isAway(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'connection'
}

/** Whether it is for what the data say: the same data would be refused again. */
export function isOfData(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.kind === 'constraint' || error.kind === 'validation')
}
