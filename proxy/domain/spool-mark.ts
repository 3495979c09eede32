/** A place in a spool: everything before it is in the store. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

export interface SpoolMark extends Position {
  /** The ULID of the boot whose spool it is. */
  readonly spool: string
}
