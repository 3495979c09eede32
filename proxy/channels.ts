import type { ChannelQuotas } from './channel-quotas.ts'
import type { Call } from './domain/call.ts'
import type { Balance, Channel, HeaderPolicy, Pool } from './domain/channel.ts'
import { defaultFailover, type FailoverSettings } from './domain/failover.ts'
import { GatewayError } from './domain/errors.ts'
import type { Key } from './domain/key.ts'
import { isAway } from './domain/store-error.ts'
import { withCommonHeaders } from './route/header-policy.ts'
import type { Journey } from './route/journey.ts'
import { createRouter, type Router, type Suspension } from './route/router.ts'
import { isTranslated, poolOf } from './route/target.ts'
import { sooner, waitOf } from './sooner.ts'
import { type CallConfiguration, FAILOVER, OUTBOUND_HEADERS, STRATEGIES } from './store/call-configuration.ts'
import type { SuspensionStore } from './store/suspensions.ts'
import type { Log } from './telemetry/log.ts'

/** The channels in memory, and the ways of calls through them. */
export interface Channels {
  readonly begin: (call: Call, key: Key, deadlineAt: number) => Way
  /** In the order in which they were read. */
  all(): readonly Channel[]
  readonly health: Router['health']
  readonly scheduling: Router['scheduling']
  /**
   * To be called before the store is read; what it answers takes over what was read. Suspensions that the store has
   * heard of only meanwhile are not lifted by that.
   */
  beginLoad(): (stored: readonly Channel[], more: Pick<CallConfiguration, 'suspensions' | 'settings'>) => void
}

/** The way of a call. */
export interface Way {
  readonly journey: Journey
  /** Why channels that could take the call were not asked: the reason that is over first. */
  readonly passedBy: () => GatewayError | undefined
}

interface ChannelsParts {
  /** Those that the environment describes. */
  readonly own: readonly Channel[]
  /** Undefined where there is no database. */
  readonly suspensions: Pick<SuspensionStore, 'suspend'> | undefined
  readonly quotas: Pick<ChannelQuotas, 'refusal' | 'resetOf'>
  readonly now: () => number
  readonly log: Log
}

export function createChannels({ own, suspensions, quotas, now, log }: ChannelsParts): Channels {
  /** Suspensions that the store had not heard of when it was last read: what it told then does not lift them. */
  const untold = new Map<string, Suspension & { isTold: boolean }>()
  const tell = async ({ channelId, until, reason }: Suspension): Promise<void> => {
    const suspension = { channelId, until, reason, isTold: false }
    untold.set(channelId, suspension)
    await suspensions?.suspend(channelId, until, reason, now())
    suspension.isTold = true
  }
  let all = own
  const router = createRouter({
    random: Math.random,
    onSuspend(suspension) {
      const { channelId, until, reason } = suspension
      log.warn({ channelId, until: new Date(until).toISOString(), reason }, 'a channel is left alone for a while')
      tell(suspension).catch((error: unknown) => {
        if (!isAway(error)) log.error({ err: error }, 'the other replicas cannot be told of a suspension')
      })
    },
    resetOf: quotas.resetOf,
  })
  const passedBy = (channels: readonly Channel[], model: string | undefined): GatewayError | undefined => {
    const at = now()
    let reason: GatewayError | undefined
    let backMs = Infinity
    for (const channel of channels) {
      const suspendedMs = (router.suspendedUntil(channel.id, at) ?? at) - at
      const refusal = quotas.refusal(channel, model)
      // What is out of quota and suspended is back when both are over.
      if (refusal !== undefined && waitOf(refusal) >= suspendedMs) reason = sooner(reason, refusal)
      else if (suspendedMs > 0) backMs = Math.min(backMs, suspendedMs)
    }
    if (backMs === Infinity) return reason
    return sooner(reason, new GatewayError('channels_unavailable', { retryAfterMs: backMs }))
  }
  router.load(own, [], { strategies: {}, failover: defaultFailover }, now())

  return {
    all: () => all,
    health: (channelId) => router.health(channelId),
    scheduling: (pool, at) => router.scheduling(pool, at),
    beginLoad() {
      for (const [id, { isTold }] of untold) if (isTold) untold.delete(id)
      return (stored, { suspensions: suspended, settings }) => {
        for (const { id, name, fault } of stored)
          if (fault !== null) log.error({ id, name, fault }, 'a channel cannot serve')
        const said = {
          strategies: (settings[STRATEGIES] ?? {}) as Readonly<Partial<Record<Pool, Balance>>>, // safe: the admin API has checked them
          failover: { ...defaultFailover, ...(settings[FAILOVER] as Partial<FailoverSettings> | undefined) },
        }
        const headers = settings[OUTBOUND_HEADERS] as HeaderPolicy | undefined // safe: as above
        all = [...stored, ...own].map((channel) => withHeaders(channel, headers))
        router.load(all, [...suspended, ...untold.values()], said, now())
      }
    },
    begin({ endpoint, model, attribution }, key, deadlineAt) {
      const { clientId, sessionId } = attribution
      const isKnown = clientId !== null || sessionId !== null
      const journey = router.begin({
        pool: poolOf(endpoint),
        model,
        isTranslated: isTranslated(endpoint),
        allowedChannels: key.allowedChannels,
        conversation: isKnown ? `${key.id} ${clientId ?? ''} ${sessionId ?? ''}` : undefined,
        deadlineAt,
        hasRoom: (channel) => quotas.refusal(channel, model) === undefined,
      })
      return { journey, passedBy: () => passedBy(journey.inQuestion(), model) }
    },
  }
}

function withHeaders(channel: Channel, common: HeaderPolicy | undefined): Channel {
  return common === undefined ? channel : { ...channel, headerPolicy: withCommonHeaders(channel.headerPolicy, common) }
}
