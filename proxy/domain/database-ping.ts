/** What a look at the database found. */
export interface DatabasePing {
  readonly type: 'sqlite'
  readonly responseTimeMs: number
  readonly error?: string
}
