import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { serve } from '../serve.ts'
import { createLog } from '../telemetry/log.ts'
import { welcome } from '../welcome.ts'
import type { Environment } from './errors.ts'

export function addServeCommand(program: Command, env: Environment): void {
  program
    .command('serve')
    .description('Run the gateway. Everything is set by environment variables; see docs/configuration.md.')
    .action(async () => {
      const config = readConfig(env)
      const log = createLog(config.LOG_LEVEL, process.stdout.isTTY)
      const ended = firstSignal() // a signal that comes during the start counts, too
      const running = await serve(config, log)
      welcome(config, running, log, process.stdout)
      await ended
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
