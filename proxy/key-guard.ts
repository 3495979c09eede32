import { createGuard, type Guard } from './auth/guard.ts'
import { shareBlocks } from './auth/share-blocks.ts'
import type { Config } from './config.ts'
import type { BlockLevel } from './domain/address-block.ts'
import type { Storage } from './storage.ts'
import type { Log } from './telemetry/log.ts'

/** The guard against guessing keys; undefined where it is switched off. */
export function createKeyGuard(config: Config, levels: () => readonly BlockLevel[], log: Log): Guard | undefined {
  if (!config.AUTH_GUARD_ENABLED) return undefined
  return createGuard({
    levels,
    now: () => performance.now(), // a clock that is set back must not make a block longer
    onBlock: (address, failures, forMs) =>
      log.info({ address, failures, forMs: Math.round(forMs) }, 'an address is blocked: wrong keys came from it'),
  })
}

/** Shares what the guard knows with the other replicas; with a key file it knows what it has seen itself. */
export function shareKeyGuard(guard: Guard | undefined, { blocks }: Storage, log: Log): { stop(): void } {
  if (guard === undefined || blocks === undefined) return { stop: () => {} }
  return shareBlocks(guard, blocks, (error) => log.error({ err: error }, 'blocked addresses cannot be shared'))
}
