/** What a look at the store found. */
export interface DatabasePing {
  readonly type: 'postgres' | 'sqlite' | 'file'
  readonly responseTimeMs: number
  readonly error?: string
}
