import { assemble } from './assemble.ts'
import { ensureAdmin } from './auth/first-admin.ts'
import type { Config } from './config.ts'
import { GatewayError } from './domain/errors.ts'
import { NameTaken } from './domain/key-refusal.ts'
import { isAway } from './domain/store-error.ts'
import { ulid } from './domain/ulid.ts'
import { shareKeyGuard } from './key-guard.ts'
import { ownKeyProblem } from './own-key.ts'
import { printLine } from './print-line.ts'
import { startRetention } from './retention.ts'
import { refresh } from './reload.ts'
import { startServers } from './servers.ts'
import { startStorage } from './start-storage.ts'
import { openStorage, type Storage } from './storage.ts'
import type { FallbackStore } from './store/fallback-store.ts'
import { type StoreInUse, useStorage } from './store-in-use.ts'
import type { Log } from './telemetry/log.ts'
import { type Watch, watchKeys } from './watch.ts'
import type { Started } from './welcome.ts'

export interface Running extends Started {
  /** Resolves when calls are let in; rejects when they never will be. */
  readonly started: Promise<void>
  /** Drains, commits and ends: what SIGTERM does. */
  stop(): Promise<void>
}

/** After the grace period: for what was cut to be written down, and for the ledger to commit. */
const LAST_WORDS_MS = 2000

/** Starts the rooms in the order in which they need one another, and ends them in the reverse one. */
export async function serve(config: Config, log: Log, tellAdminKey: (key: string) => void): Promise<Running> {
  const storage = await openStorage(config, storageEvents(log))
  const ending = new AbortController()
  let isStarted = false
  let isDraining = false
  const { store, snapshots, whenBack } = useStorage(config, storage, log, () => rooms)
  let watch: Watch | undefined
  const rooms = await assemble(config, storage, store, log, {
    isDraining: () => isDraining,
    catchUp: async () => watch?.check(),
  })
  const servers = await startServers(config, storage, store, rooms, {
    isStarted: () => isStarted,
    isDraining: () => isDraining,
  })
  const readers = [rooms.configured, rooms.recorder]
  const tasks: { stop(): void }[] = []

  const start = async (): Promise<void> => {
    await startStorage(config, store, log, ending.signal)
    if (ending.signal.aborted) return
    await rooms.ledger.recover() // before the first window is read
    await snapshots.start()
    await rooms.limits.start()
    const looking = watchKeys(store, storage.pollIntervalMs, {
      onChange: () => refresh(rooms, snapshots),
      onFresh(at) {
        store.freshen(at)
        // The next look follows.
        for (const one of readers) one.readOnce().catch(() => undefined)
      },
      onError(error) {
        if (!store.status().isAway) log.error({ err: error }, 'the database cannot be asked for changes')
      },
    })
    watch = looking
    whenBack(() => void looking.check().catch(() => undefined)) // it goes on looking, and has told the error
    const retention = startRetention(config, { ...rooms, store, blocks: storage.blocks }, rooms.now, log)
    tasks.push(looking, retention, snapshots)
    tasks.push(shareKeyGuard(rooms.guard, storage, log))
    await looking.check().catch(() => undefined)
    if (store.status().isAway) whenBack(() => void loadPrices(storage, log))
    else await loadPrices(storage, log)
    await Promise.allSettled(readers.map((one) => one.readOnce()))
    const problem = await ownKeyProblem(config, storage, rooms.configured.channels()).catch(() => undefined)
    if (problem !== undefined) log.warn(problem)
    await rooms.authenticator.preload(() => snapshots.last()).catch(() => undefined) // or they are looked up one by one
    // SQLite has no snapshot: with a restart a blocked address would lock out everybody behind it.
    if (storage.type === 'sqlite') await rooms.authenticator.preload().catch(() => undefined)
    await administrate(config, storage, store, log, tellAdminKey, whenBack)
    isStarted = true
  }
  return {
    port: servers.port,
    location: storage.location,
    channels: () => rooms.configured.channels().length,
    started: start(),
    async stop() {
      isDraining = true
      ending.abort()
      await pause(isStarted ? config.SHUTDOWN_DELAY_MS : 0)
      const deadline = Date.now() + config.SHUTDOWN_GRACE_MS
      rooms.administration.stopWatch()
      const closed = servers.close(config.SHUTDOWN_GRACE_MS + LAST_WORDS_MS)
      await Promise.race([rooms.gateway.whenIdle(), pause(config.SHUTDOWN_GRACE_MS)])
      await rooms.upstream.destroy(new GatewayError('shutting_down'))
      await Promise.race([rooms.gateway.whenIdle(), pause(LAST_WORDS_MS)])
      await closed
      rooms.heartbeat.stop()
      for (const task of tasks) task.stop()
      if (isStarted) await snapshots.write()
      // What the database did not take in time goes to standard output, where `ledger replay` can read it back.
      await rooms.ledger.stop(deadline + LAST_WORDS_MS, (entry) => printLine(JSON.stringify(entry)))
      await Promise.all([rooms.limits.stop(), rooms.administration.settled()])
      await Promise.race([rooms.recorder.settled(), pause(deadline + LAST_WORDS_MS - Date.now())])
      await store.close()
    },
  }
}

function storageEvents(log: Log): Parameters<typeof openStorage>[1] {
  return {
    onRetry: (error, attempt, delayMs) =>
      log.warn({ err: error, attempt, delayMs }, 'the database failed; trying again'),
    onWait: (holder) => log.info({ holder }, 'waiting for another process that works on the schema'),
  }
}

/** The prices that come with the program, as far as nobody has decided about them. */
async function loadPrices({ prices }: Storage, log: Log): Promise<void> {
  await prices?.loadDefaults('unseen').catch((error: unknown) => {
    if (!isAway(error)) log.error({ err: error }, 'the default prices cannot be loaded')
  })
}

/** Sees to the admin key; where the start is without its database, as soon as that is back. */
async function administrate(
  config: Config,
  { keys }: Storage,
  store: FallbackStore,
  log: Log,
  tell: (key: string) => void,
  whenBack: StoreInUse['whenBack'],
): Promise<void> {
  if (keys === undefined) {
    if (config.ADMIN_API_KEY !== undefined) log.warn('ADMIN_API_KEY needs a database; a key file has no admin keys')
    return
  }
  const ensure = (): Promise<void> => ensureAdmin(keys, config.ADMIN_API_KEY, { id: ulid(), now: Date.now(), tell })
  // Of processes that start together one makes the key, and the others find it.
  const settle = (): Promise<void> =>
    ensure().catch((error: unknown) => (error instanceof NameTaken ? ensure() : Promise.reject(error)))
  if (!store.status().isAway) return settle()
  let isSettled = false
  whenBack(() => {
    if (isSettled) return
    settle().then(
      () => (isSettled = true),
      (error: unknown) => log.error({ err: error }, 'the admin key cannot be made'),
    )
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
