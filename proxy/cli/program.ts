import { Command, CommanderError } from 'commander'
import { BadEnvironment } from '../config.ts'
import { version } from '../version.ts'
import { addChannelCommands } from './channels.ts'
import { addConfigCommands } from './configuration.ts'
import { addHealthCommand } from './health.ts'
import { addKeyCommands } from './keys.ts'
import { addLedgerCommands } from './ledger.ts'
import { addPriceCommands } from './prices.ts'
import { addSchemaCommands } from './schema.ts'
import { addSecretCommands } from './secrets.ts'
import { CommandError, type Environment } from './errors.ts'
import { addServeCommand } from './serve.ts'
import { addTenantCommands } from './tenants.ts'

export function createProgram(env: Environment): Command {
  const program = new Command('tollgate')
    .description('An LLM API gateway with its own API keys.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells how)')
  addServeCommand(program, env)
  addKeyCommands(program, env)
  addTenantCommands(program, env)
  addChannelCommands(program, env)
  addPriceCommands(program, env)
  addConfigCommands(program, env)
  addLedgerCommands(program, env)
  addHealthCommand(program, env)
  addSchemaCommands(program, env)
  addSecretCommands(program, env)
  return program
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
