import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { entryColumns, type EntryRow } from '../../proxy/domain/entry-row.ts'
import type { GatewayHome } from '../gateway.ts'

/** Puts entries into the ledger's table, and nowhere else, as fast as the engine takes them. */
export type EntryInserter = {
  readonly insert: (rows: readonly EntryRow[]) => Promise<void>
  readonly close: () => Promise<void>
}

export function openInserter(home: GatewayHome['database']): Promise<EntryInserter> {
  return 'DATABASE_PATH' in home ? openFile(home.DATABASE_PATH) : openServer(home.DATABASE_URL)
}

async function openFile(path: string): Promise<EntryInserter> {
  const file = new DatabaseSync(path)
  file.exec('PRAGMA synchronous = OFF')
  const places = entryColumns.map(() => '?').join(', ')
  const one = file.prepare(`INSERT INTO request_logs (${entryColumns.join(', ')}) VALUES (${places})`)
  return {
    async insert(rows) {
      file.exec('BEGIN')
      for (const row of rows) one.run(...row.map((cell) => (typeof cell === 'boolean' ? Number(cell) : cell)))
      file.exec('COMMIT')
    },
    close: async () => file.close(),
  }
}

/** By COPY from a file, which the server's own user has to be able to read. */
async function openServer(url: string): Promise<EntryInserter> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-copy-'))
  await chmod(folder, 0o755)
  const path = join(folder, 'rows')
  return {
    async insert(rows) {
      // https://www.postgresql.org/docs/current/sql-copy.html, text format; no cell has anything to escape in it.
      await writeFile(path, rows.map((row) => `${row.map((cell) => cell ?? '\\N').join('\t')}\n`).join(''))
      await chmod(path, 0o644)
      await client.query(`COPY tollgate.request_logs (${entryColumns.join(', ')}) FROM '${path}'`)
    },
    async close() {
      await client.end()
      await rm(folder, { recursive: true })
    },
  }
}
