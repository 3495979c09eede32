import { appendFileSync } from 'node:fs'
import { DataError } from '../domain/data-error.ts'
import type { WriteEntries } from './committer.ts'

/**
 * Writes entries. One that the database refuses for what it says would be refused for ever, and hold up all behind it:
 * it is looked for by halving the batch, and goes to `file`, where `ledger replay` can read it. What the halves wrote
 * before a failure of another kind is written again later, and counts once.
 */
export function settingAside(
  write: WriteEntries,
  file: string,
  onProblem: (what: string, detail: unknown) => void,
): WriteEntries {
  const writeOrHalve: WriteEntries = async (entries) => {
    try {
      return await write(entries)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      if (entries.length > 1) {
        const middle = Math.floor(entries.length / 2)
        return [...(await writeOrHalve(entries.slice(0, middle))), ...(await writeOrHalve(entries.slice(middle)))]
      }
      for (const entry of entries) appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600, flush: true })
      onProblem('an entry was refused by the database and set aside in rejected.jsonl', error)
      return []
    }
  }
  return writeOrHalve
}
