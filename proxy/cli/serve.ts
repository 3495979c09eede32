import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { StoreError } from '../domain/store-error.ts'
import { ignoredVariables } from '../former-variables.ts'
import { NameTaken, NoLivingKey, SecretTaken } from '../domain/key-refusal.ts'
import { createLog } from '../telemetry/log.ts'
import { tellAdminKey, welcome } from '../welcome.ts'
import { CommandError, type Environment } from './errors.ts'
import { storeProblem } from './store-problem.ts'

export function addServeCommand(program: Command, env: Environment): void {
  program
    .command('serve')
    .description('Run the gateway. Everything is set by environment variables; see docs/configuration.md.')
    .action(async () => {
      const config = readConfig(env)
      const log = createLog(config.LOG_LEVEL, process.stdout.isTTY)
      const ignored = ignoredVariables(env)
      if (ignored.length > 0)
        log.warn(
          { variables: ignored },
          'variables of an earlier system are set and do nothing; see docs/configuration.md',
        )
      const { serve } = await import('../serve.ts') // half of what the program reads, and of no use to other commands
      const ended = firstSignal() // a signal that comes during the start counts, too
      const fail = (error: Error): never => refuse(config, error)
      const running = await serve(config, log, (key) => tellAdminKey(config, key, log, process.stdout)).catch(fail)
      const isStarted = await Promise.race([running.started.then(() => true), ended]).catch(async (error: Error) => {
        await running.stop()
        fail(error)
      })
      if (isStarted) {
        welcome(config, running, log, process.stdout)
        await ended
      }
      log.info('stopping')
      await running.stop()
      log.info('stopped')
    })
}

/** Resolves at the first request to end; a second one ends the process at once, as it does everywhere. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}

/** Reasons that a person can do something about are told without a stack. */
function refuse(config: Config, error: Error & { readonly code?: unknown; readonly port?: number }): never {
  if (error instanceof StoreError) throw storeProblem(config, error)
  if (error.code === 'EADDRINUSE') throw new CommandError(`Port ${error.port} is in use; set PORT to another one.`)
  if (error instanceof NoLivingKey) throw new CommandError('The key of ADMIN_API_KEY was revoked; set another one.')
  if (error instanceof SecretTaken) throw new CommandError('ADMIN_API_KEY is the secret of another key; set a new one.')
  if (error instanceof NameTaken) throw new CommandError(`${error.message}; the one for ADMIN_API_KEY needs that name.`)
  if (error.code === 'EACCES') throw new CommandError(`Not permitted: ${error.message}`)
  throw error
}
