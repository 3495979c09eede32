import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Database } from '../store/database.ts'
import { migrate, migrationNames, readSchema, SchemaBehind, SchemaTooNew } from '../store/migrate.ts'
import { numberOf, type SchemaStanding } from '../store/schema.ts'
import type { Environment } from './errors.ts'
import { print } from './print.ts'
import { type ResultOptions, withResult } from './result-file.ts'
import { tellHolder, withSchema } from './with-storage.ts'

interface StatusOptions extends ResultOptions {
  readonly json?: true
}

interface UpOptions extends StatusOptions {
  readonly dryRun?: true
}

export function addSchemaCommands(program: Command, env: Environment): void {
  const schema = program.command('schema').description('Look at the schema of the database, and bring it up to date.')

  schema
    .command('up')
    .description('Bring the schema up to date, also where SKIP_MIGRATION keeps serve from it.')
    .option('--json', 'print JSON')
    .option('--result <file>', 'write the JSON into a file, also of a failure')
    .option('--dry-run', 'say what would run, change nothing')
    .action((options: UpOptions) =>
      withResult(options.result, (tell) =>
        withSchema(readConfig(env), !options.dryRun, (database, location) => up(database, location, options, tell)),
      ),
    )

  schema
    .command('status')
    .description('Tell which migrations the schema has. Exit status 1 where this program cannot use it as it is.')
    .option('--json', 'print JSON')
    .option('--result <file>', 'write the JSON into a file, also of a failure')
    .action((options: StatusOptions) =>
      withResult(options.result, (tell) =>
        withSchema(readConfig(env), false, (database, location) => status(database, location, options, tell)),
      ),
    )
}

type Tell = (result: object) => void

async function up(database: Database, location: string, { json, dryRun }: UpOptions, tell: Tell): Promise<void> {
  const { standing, current: from, target, pending } = await statusOf(database)
  if (standing.kind === 'too-new') throw new SchemaTooNew(standing.minReader)
  const names = dryRun ? pending : await migrate(database, tellHolder)
  const to = dryRun ? Math.max(from, target) : (await statusOf(database)).current
  const result = { location, from, to, [dryRun ? 'pending' : 'ran']: names }
  tell(result)
  if (json) print(JSON.stringify(result))
  else if (names.length === 0) print(`The schema of ${location} is up to date.`)
  else print(names.map((name) => (dryRun ? `${name} would run.` : `${name} ran.`)).join('\n'))
}

async function status(database: Database, location: string, { json }: StatusOptions, tell: Tell): Promise<void> {
  const { standing, current, target, migrations, pending } = await statusOf(database)
  const { engine } = database
  const result = {
    engine,
    location,
    standing: standing.kind,
    current,
    target,
    migrations: migrations.map(shown),
    pending,
  }
  tell(result)
  if (json) print(JSON.stringify(result, null, 2))
  else print(`${engine}, ${location}: ${standing.kind}\n${migrations.map(line).join('\n')}`)
  if (standing.kind === 'too-new') throw new SchemaTooNew(standing.minReader)
  if (standing.kind === 'behind') throw new SchemaBehind()
}

interface MigrationStatus {
  readonly name: string
  /** Null for what has not been applied. */
  readonly appliedAt: number | null
  readonly minReader: number | null
  /** Whether this program has it; what it lacks is of a later one. */
  readonly isKnown: boolean
}

interface SchemaStatus {
  readonly standing: SchemaStanding
  /** The number of the schema; 0 where there is none. */
  readonly current: number
  /** The number that this program would bring it to. */
  readonly target: number
  readonly migrations: readonly MigrationStatus[]
  /** What `schema up` would run. */
  readonly pending: readonly string[]
}

async function statusOf(database: Database): Promise<SchemaStatus> {
  const { applied, standing } = await readSchema(database)
  const names = new Set(applied.map(({ name }) => name))
  const missing = migrationNames.filter((name) => !names.has(name))
  return {
    standing,
    current: numberOf(applied.at(-1)?.name ?? '0'),
    target: numberOf(migrationNames.at(-1) ?? '0'),
    migrations: [
      ...applied.map((migration) => ({ ...migration, isKnown: migrationNames.includes(migration.name) })),
      ...missing.map((name) => ({ name, appliedAt: null, minReader: null, isKnown: true })),
    ],
    pending: standing.kind === 'behind' ? standing.missing : [],
  }
}

function shown(migration: MigrationStatus): object {
  const { name, appliedAt, minReader, isKnown } = migration
  return { name, appliedAt: appliedAt === null ? null : new Date(appliedAt).toISOString(), minReader, isKnown }
}

function line({ name, appliedAt, minReader, isKnown }: MigrationStatus): string {
  if (appliedAt === null) return `  ${name}  not applied`
  const at = new Date(appliedAt).toISOString().slice(0, 16).replace('T', ' ')
  return `  ${name}  applied ${at}  for programs of schema ${minReader} and later${isKnown ? '' : '  (unknown to this program)'}`
}
