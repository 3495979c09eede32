import type { ChannelQuotas, QuotaUse } from './channel-quotas.ts'
import type { Channels } from './channels.ts'
import type { Channel } from './domain/channel.ts'
import type { RateLimits } from './domain/rate-limits.ts'
import type { RateLimitSettings } from './rate-limits.ts'
import { type CallConfiguration, type KeptConfiguration, RATE_LIMITS } from './store/call-configuration.ts'
import type { Configuration } from './store/configuration.ts'
import type { PriceBook } from './store/prices.ts'

/** What administrators have said, in memory, for the path of a call: all of one revision. */
export interface Configured {
  /** The channels, in the order in which they were read. */
  readonly channels: Channels['all']
  /** Reads it again; after a failure what was there before stays. Throws `StoreError`. */
  reload(): Promise<void>
  /** Reads it if that never worked. Throws `StoreError`. */
  readOnce(): Promise<void>
  /** What to go on with without the store; undefined before it was read. Throws `StoreError`. */
  keep(): Promise<KeptConfiguration | undefined>
  /** Goes on with what was kept until the store can be read. */
  restore(kept: KeptConfiguration): void
}

interface ConfiguredParts {
  /** Undefined where there is no database: then there is nothing to read. */
  readonly configuration: Pick<Configuration, 'forCalls' | 'open'> | undefined
  readonly prices: PriceBook | undefined
  readonly channels: Pick<Channels, 'all' | 'beginLoad'>
  readonly quotas: Pick<ChannelQuotas, 'unknown' | 'load' | 'standing'>
  readonly rateLimits: Pick<RateLimitSettings, 'load'>
  readonly now: () => number
}

export function createConfigured(parts: ConfiguredParts): Configured {
  const { configuration, prices, channels, quotas, rateLimits, now } = parts
  if (configuration === undefined) {
    const nothing = (): Promise<undefined> => Promise.resolve(undefined)
    return { channels: channels.all, reload: nothing, readOnce: nothing, keep: nothing, restore: () => {} }
  }
  let last: CallConfiguration | undefined

  /** In one turn: a channel whose quota was reset must not serve before its suspension is known. */
  const takeOver = (
    next: CallConfiguration,
    stored: readonly Channel[],
    use: QuotaUse,
    load: ReturnType<Channels['beginLoad']>,
  ): void => {
    prices?.load(new Map(next.prices))
    rateLimits.load(next.settings[RATE_LIMITS] as RateLimits | undefined) // safe: the admin API has checked it
    quotas.load(stored, next.quotaPeriods, use)
    load(stored, next)
  }
  const read = async (): Promise<void> => {
    const load = channels.beginLoad()
    const next = await configuration.forCalls(now())
    const stored = configuration.open(next)
    takeOver(next, stored, await quotas.unknown(stored, next.quotaPeriods), load)
    last = next
  }
  /** One after the other: what was read first must not come last. */
  let reading = Promise.resolve()
  const reload = (): Promise<void> => {
    const done = reading.then(read)
    reading = done.catch(() => undefined)
    return done
  }

  return {
    channels: channels.all,
    reload,
    readOnce: () => (last === undefined ? reload() : Promise.resolve()),
    async keep() {
      if (last === undefined) return undefined
      const { begun, use } = await quotas.standing(channels.all())
      return { ...last, quotaPeriods: begun, quotaUse: [...use.used], replicas: use.replicas }
    },
    restore(kept) {
      const use = { used: new Map(kept.quotaUse), replicas: kept.replicas }
      takeOver(kept, configuration.open(kept), use, channels.beginLoad())
    },
  }
}
