import { Command, CommanderError } from 'commander'
import { BadEnvironment } from '../config.ts'
import { version } from '../version.ts'
import { CommandError, type Environment } from './errors.ts'

type AddCommands = (program: Command, env: Environment) => void

/** Read one by one: a health check asks every few seconds, and needs nothing of what opens a database. */
const groups: Readonly<Record<string, () => Promise<AddCommands>>> = {
  serve: async () => (await import('./serve.ts')).addServeCommand,
  keys: async () => (await import('./keys.ts')).addKeyCommands,
  tenants: async () => (await import('./tenants.ts')).addTenantCommands,
  channels: async () => (await import('./channels.ts')).addChannelCommands,
  prices: async () => (await import('./prices.ts')).addPriceCommands,
  config: async () => (await import('./configuration.ts')).addConfigCommands,
  ledger: async () => (await import('./ledger.ts')).addLedgerCommands,
  health: async () => (await import('./health.ts')).addHealthCommand,
  schema: async () => (await import('./schema.ts')).addSchemaCommands,
  secrets: async () => (await import('./secrets.ts')).addSecretCommands,
}

/** Runs the command that `args` name. Throws what `exitStatusOf` has a status for. */
export async function runProgram(args: readonly string[], env: Environment): Promise<void> {
  const program = new Command('tollgate')
    .description('An LLM API gateway with its own API keys.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells how)')
  const named = Object.entries(groups).filter(([name]) => name === args[0])
  for (const [, load] of named.length > 0 ? named : Object.entries(groups)) (await load())(program, env)
  await program.parseAsync(args, { from: 'user' })
}

const FAILED = 1
const WRONG_USAGE = 2
/** EX_CONFIG of sysexits.h. */
const BAD_ENVIRONMENT = 78

/** Says on standard error what went wrong, and answers the exit status for it. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE // commander has said it
  if (error instanceof CommandError || error instanceof BadEnvironment) {
    process.stderr.write(`${error.message}\n`)
    return error instanceof BadEnvironment ? BAD_ENVIRONMENT : FAILED
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILED
}
