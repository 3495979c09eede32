import type { PostgresServer } from '../test/support/postgres.ts'
import type { Crew } from './crew.ts'

/** What the targets of one repetition are started with. */
export type Site = {
  readonly crew: Crew
  readonly cores: string | null
  readonly upstreamPort: number
  readonly gatewayPath: string
  readonly dataPath: string
  readonly searchPath: string
  /** Null where this machine has none, or nothing needs one. */
  readonly postgres: PostgresServer | null
}
