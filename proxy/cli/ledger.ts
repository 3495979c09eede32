import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Entry } from '../domain/entry.ts'
import { rowJson } from '../domain/entry-row.ts'
import { readEntry } from '../ledger/replay.ts'
import { oldestRetainedId } from '../store/retention.ts'
import { CommandError, type Environment } from './errors.ts'
import { withStorage } from './with-storage.ts'

const BATCH = 500
const DAY_MS = 86_400_000

export function addLedgerCommands(program: Command, env: Environment): void {
  program
    .command('ledger')
    .description('Work on the ledger.')
    .command('replay [file]')
    .description(
      'Read entries that a process printed when it ended without its database. Each counts once, however often it is read.',
    )
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action(async (file: string | undefined, options: { readonly json?: true; readonly dryRun?: true }) => {
      const config = readConfig(env)
      const lines = await readLines(file === undefined ? process.stdin : createReadStream(file))
      const oldest = oldestRetainedId(Date.now() - config.LOG_RETENTION_DAYS * DAY_MS)
      let entries = lines.entries.filter(({ id }) => id >= oldest)
      let applied = 0
      if (!options.dryRun) {
        await withStorage(config, async ({ store, removedBefore }) => {
          const removed = await removedBefore()
          entries = entries.filter(({ id }) => id >= removed)
          for (let at = 0; at < entries.length; at += BATCH) {
            const written = await store.write({ rows: entries.slice(at, at + BATCH).map(rowJson) })
            applied += written.reduce((sum, { entries: count }) => sum + count, 0)
          }
        })
      }
      const refused = lines.entries.length - entries.length
      const result = {
        entries: lines.entries.length,
        applied,
        refused,
        skippedLines: lines.skipped,
        invalidLines: lines.invalid,
      }
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
      else {
        process.stdout.write(
          `${result.entries} entries read, ${applied} applied, ${lines.skipped} other lines passed over.\n`,
        )
        if (refused > 0) process.stdout.write(`${refused} entries are older than what is kept and were refused.\n`)
      }
      if (lines.invalid.length > 0) {
        throw new CommandError(`Not applied, since they are damaged entries: line ${lines.invalid.join(', ')}.`)
      }
    })
}

/** Log lines around the entries are passed over; a file that cannot be read is an error. */
async function readLines(input: NodeJS.ReadableStream) {
  const entries: Entry[] = []
  /** By number, from 1. */
  const invalid: number[] = []
  let skipped = 0
  let number = 0
  try {
    for await (const line of createInterface({ input })) {
      number += 1
      const entry = readEntry(line)
      if (entry === 'invalid') invalid.push(number)
      else if (entry) entries.push(entry)
      else if (line.trim() !== '') skipped += 1
    }
  } catch (error) {
    throw new CommandError(`The entries cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { entries, invalid, skipped }
}
