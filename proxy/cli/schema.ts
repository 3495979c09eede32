import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Database } from '../store/database.ts'
import { migrate, migrationNames, readSchema, SchemaBehind, tooNew } from '../store/migrate.ts'
import type { SchemaStanding } from '../store/schema.ts'
import type { Environment } from './errors.ts'
import { tellHolder, withSchema } from './with-storage.ts'

interface UpOptions {
  readonly json?: true
  readonly dryRun?: true
}

export function addSchemaCommands(program: Command, env: Environment): void {
  const schema = program.command('schema').description('Look at the schema of the database, and bring it up to date.')

  schema
    .command('up')
    .description('Bring the schema up to date, also where SKIP_MIGRATION keeps serve from it.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'say what would run, change nothing')
    .action((options: UpOptions) =>
      withSchema(readConfig(env), !options.dryRun, async (database, location) => {
        const isDry = options.dryRun ?? false
        const names = isDry ? await pending(database) : await migrate(database, tellHolder)
        if (options.json) print(JSON.stringify({ location, [isDry ? 'pending' : 'ran']: names }))
        else if (names.length === 0) print(`The schema of ${location} is up to date.`)
        else print(names.map((name) => (isDry ? `${name} would run.` : `${name} ran.`)).join('\n'))
      }),
    )

  schema
    .command('status')
    .description('Tell which migrations the schema has. Exit status 1 where this program cannot use it as it is.')
    .option('--json', 'print JSON')
    .action((options: { readonly json?: true }) =>
      withSchema(readConfig(env), false, async (database, location) => {
        const { standing, migrations } = await statusOf(database)
        const { engine } = database
        if (options.json) {
          print(
            JSON.stringify({ engine, location, standing: standing.kind, migrations: migrations.map(json) }, null, 2),
          )
        } else print(`${engine}, ${location}: ${standing.kind}\n${migrations.map(line).join('\n')}`)
        if (standing.kind === 'too-new') throw tooNew(standing.minReader)
        if (standing.kind === 'behind') throw new SchemaBehind()
      }),
    )
}

/** What `schema up` would run. */
async function pending(database: Database): Promise<readonly string[]> {
  const { standing } = await readSchema(database)
  if (standing.kind === 'too-new') throw tooNew(standing.minReader)
  return standing.kind === 'behind' ? standing.missing : []
}

interface MigrationStatus {
  readonly name: string
  /** Null for what has not been applied. */
  readonly appliedAt: number | null
  readonly minReader: number | null
  /** Whether this program has it; what it lacks is of a later one. */
  readonly isKnown: boolean
}

async function statusOf(
  database: Database,
): Promise<{ readonly standing: SchemaStanding; readonly migrations: readonly MigrationStatus[] }> {
  const { applied, standing } = await readSchema(database)
  const names = new Set(applied.map(({ name }) => name))
  const missing = migrationNames.filter((name) => !names.has(name))
  return {
    standing,
    migrations: [
      ...applied.map((migration) => ({ ...migration, isKnown: migrationNames.includes(migration.name) })),
      ...missing.map((name) => ({ name, appliedAt: null, minReader: null, isKnown: true })),
    ],
  }
}

function json(migration: MigrationStatus): object {
  const { name, appliedAt, minReader, isKnown } = migration
  return { name, appliedAt: appliedAt === null ? null : new Date(appliedAt).toISOString(), minReader, isKnown }
}

function line({ name, appliedAt, minReader, isKnown }: MigrationStatus): string {
  if (appliedAt === null) return `  ${name}  not applied`
  const at = new Date(appliedAt).toISOString().slice(0, 16).replace('T', ' ')
  return `  ${name}  applied ${at}  for programs of schema ${minReader} and later${isKnown ? '' : '  (unknown to this program)'}`
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
