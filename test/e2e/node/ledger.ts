import assert from 'node:assert/strict'
import { until } from '../../support/gateway.ts'
import { rowsOf } from './gateway-on-stage.ts'
import type { StageCall } from './load.ts'

interface LedgerRow {
  readonly request_id: string
  readonly status: string
  readonly metering: string
  readonly tokens: string
}

/** What the provider of the tests counts for a call that names nothing else. */
export const TOKENS = 75

/** Those of a key. */
export function ledgerOf(databaseUrl: string, keyName: string): Promise<LedgerRow[]> {
  return rowsOf<LedgerRow>(
    databaseUrl,
    `SELECT request_id, l.status, metering, input_tokens + output_tokens AS tokens
     FROM tollgate.request_logs l JOIN tollgate.api_keys k ON k.id = l.key_id WHERE k.name = $1`,
    [keyName],
  )
}

/** Says of calls that failed what they failed with. */
export function failuresOf(calls: readonly StageCall[]): readonly string[] {
  return calls.flatMap(({ error, requestId }) => (error === undefined ? [] : [`${requestId}: ${error.message}`]))
}

/** Every call is in the ledger once, with all that it used, and nothing else is. */
export async function assertExact(databaseUrl: string, keyName: string, calls: readonly StageCall[]): Promise<void> {
  const rows = await until(
    'the ledger has every call',
    async () => {
      const found = await ledgerOf(databaseUrl, keyName)
      return found.length >= calls.length && found
    },
    120_000,
  )
  assertEntries(rows, calls)
}

/** These are the entries of these calls: one of each, with all that it used. */
export function assertEntries(rows: readonly LedgerRow[], calls: readonly StageCall[]): void {
  assert.deepEqual(
    rows.map(({ request_id }) => request_id).toSorted(),
    calls.map(({ requestId }) => requestId).toSorted(),
  )
  const odd = rows.filter(
    ({ status, metering, tokens }) => status !== 'completed' || metering !== 'exact' || Number(tokens) !== TOKENS,
  )
  assert.deepEqual(odd, [])
}
