import { appendFileSync } from 'node:fs'
import { entryOfJson, idOfRow } from '../domain/entry-row.ts'
import type { Store } from '../domain/store.ts'
import { isOfData, type StoreError } from '../domain/store-error.ts'

/**
 * Writes entries. One that the store refuses for what it says would be refused for ever, and hold up all behind it: it
 * goes to `file`, where `ledger replay` can read it. Where the store does not tell which one it is, it is looked for by
 * halving the batch. What the halves wrote before a failure of another kind is written again later, and counts once.
 */
export function settingAside(
  write: Store['write'],
  file: string,
  onProblem: (what: string, detail: unknown) => void,
): Store['write'] {
  const setAside = (row: string, error: StoreError): void => {
    appendFileSync(file, `${JSON.stringify(entryOfJson(row))}\n`, { mode: 0o600, flush: true })
    onProblem('an entry was refused by the database and set aside in rejected.jsonl', error)
  }
  const writeRest: Store['write'] = async (batch) => {
    const { rows } = batch
    try {
      return await write(batch)
    } catch (error) {
      if (!isOfData(error)) throw error
      const refused = rows.length === 1 ? rows[0] : rows.find((row) => idOfRow(row) === error.entryId)
      if (refused !== undefined) {
        setAside(refused, error)
        const rest = rows.filter((row) => row !== refused)
        return rest.length === 0 ? [] : writeRest({ ...batch, rows: rest })
      }
      const middle = Math.floor(rows.length / 2)
      const first = await writeRest({ rows: rows.slice(0, middle) })
      return [...first, ...(await writeRest({ rows: rows.slice(middle) }))]
    }
  }
  return writeRest
}
