import type { Bank, LeaseAsk } from '../../proxy/domain/lease.ts'
import { TOKEN_WINDOW } from '../../proxy/limit/spans.ts'
import { createBank } from '../../proxy/store/leases.ts'
import { createTurns } from '../../proxy/store/turns.ts'
import type { TestDatabase } from './database.ts'

/** The limits in a database, as one replica asks for them. */
export function bankIn({ database }: Pick<TestDatabase, 'database'>, replica: string): Bank {
  return createBank(database, replica, createTurns())
}

/** Of 1000 tokens of the first key, and nothing where nothing is said. */
export function askOf(more: Partial<LeaseAsk> = {}): LeaseAsk {
  const none = { base: 0, wanted: 0, spare: 0, used: [] }
  return { subject: 'key-1', unit: 'tokens', span: TOKEN_WINDOW, limit: 1000, ...none, ...more }
}
