import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

export type LedgerCheck = { readonly calls: number; readonly rows: number }

export type LedgerReader = { readonly afterMore: (calls: number) => Promise<LedgerCheck> }

const POLL_MS = 100
const GIVE_UP_AFTER_MS = 10_000

/** Counts over the gateway's life, so that a row written twice, or late, is seen at the latest one check after. */
export function createLedgerReader(databasePath: string): LedgerReader {
  let expected = 0
  return {
    async afterMore(calls) {
      expected += calls
      const deadline = performance.now() + GIVE_UP_AFTER_MS
      let rows = countRows(databasePath)
      while (rows < expected && performance.now() < deadline) {
        await sleep(POLL_MS)
        rows = countRows(databasePath)
      }
      return { calls: expected, rows }
    },
  }
}

/** Opened for each look: an open reader would keep the gateway's write-ahead log from being checkpointed. */
function countRows(databasePath: string): number {
  const database = new DatabaseSync(databasePath, { readOnly: true, timeout: 5000 })
  try {
    return Number(database.prepare('SELECT count(*) AS n FROM request_logs').get()?.['n'])
  } finally {
    database.close()
  }
}
