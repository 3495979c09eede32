import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { CommandError, type Environment } from './errors.ts'
import { print, type WriteOptions } from './print.ts'
import { readDocument } from './read-input.ts'
import { withConfiguration } from './with-storage.ts'

export function addConfigCommands(program: Command, env: Environment): void {
  const config = program
    .command('config')
    .description('The whole configuration as one document. A running proxy notices a change at once.')

  config
    .command('export')
    .description(
      'Print it. Secrets of channels are in it as they are stored, encrypted under ENCRYPTION_KEY; keys of callers are not.',
    )
    .option('--file <file>', 'write it there, readable by its owner alone; a file that is there is left alone')
    .action(({ file }: { readonly file?: string }) =>
      withConfiguration(readConfig(env), async (desk) => {
        const document = JSON.stringify(await desk.exported(), null, 2)
        if (file === undefined) print(document)
        else await writeNew(file, `${document}\n`)
      }),
    )

  config
    .command('import <file>')
    .description(
      'Make what a document says the configuration, all of it or nothing; - is standard input. A section that is left out stays as it is.',
    )
    .option('--json', 'print JSON')
    .option('--dry-run', 'tell what would change, write nothing')
    .action((file: string, { json, dryRun }: WriteOptions) =>
      withConfiguration(readConfig(env), async (desk) => {
        const { changes, warnings } = await desk.take(await readDocument(file, undefined), dryRun === true)
        for (const warning of warnings) process.stderr.write(`${warning}\n`)
        if (json) return print(JSON.stringify({ changes, warnings }, null, 2))
        for (const [section, { added, changed, removed }] of Object.entries(changes)) {
          const counts = `${added.length} added, ${changed.length} changed, ${removed.length} removed`
          print(`${section}: ${counts}`)
        }
        print(dryRun ? 'Nothing was written.' : 'The configuration is the one of the document.')
      }),
    )
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new CommandError(`It cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}
