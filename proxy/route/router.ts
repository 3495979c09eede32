import type { ChannelHealth } from '../domain/channel-health.ts'
import type { Balance, Channel, Pool } from '../domain/channel.ts'
import { defaultFailover, type FailoverSettings } from '../domain/failover.ts'
import { CONVERSATION_MS, createAffinity } from './affinity.ts'
import { type Breaker, breakerRules, createBreaker } from './breaker.ts'
import { indexChannels } from './candidates.ts'
import { ChainedJourney, type Ground } from './chained-journey.ts'
import { createChain } from './chain.ts'
import { choose, type Standing } from './choose.ts'
import type { Refusal } from './failure.ts'
import type { Journey, RoutedCall } from './journey.ts'
import { MAX_MODEL_CHARACTERS } from './model-name.ts'
import { createRecentCalls, type RecentCalls } from './recent-calls.ts'
import { createRuleTable } from './rules.ts'
import { createUpstreamKeys } from './upstream-keys.ts'

/** Until when nothing is sent to a channel, and why; replicas share them. */
export interface Suspension {
  readonly channelId: string
  readonly until: number
  /** `circuit_open`: its calls went badly somewhere. It is still asked where every other is in trouble too. */
  readonly reason: string
}

export interface RouterSettings {
  /** How the channels of a pool are picked, and its channels' keys where they do not say; `failover` where it is not said. */
  readonly strategies: Readonly<Partial<Record<Pool, Balance>>>
  readonly failover: FailoverSettings
}

/** Where calls go. */
export interface Router {
  /** Takes over a configuration. Calls under way go on with it; the health of channels that stay is kept. */
  load(channels: readonly Channel[], suspensions: readonly Suspension[], settings: RouterSettings, now: number): void
  begin(call: RoutedCall): Journey
  health(channelId: string): ChannelHealth | undefined
  /** Until when nothing may be sent to a channel; undefined where something may. */
  suspendedUntil(channelId: string, now: number): number | undefined
  scheduling(pool: Pool, now: number): Scheduling
}

/** How calls of a pool are spread. */
interface Scheduling {
  /** How many can serve by their settings. */
  readonly channels: number
  readonly conversations: number
  readonly conversationMs: number
  /** Where the next call goes first, if its conversation is unknown, and any channel may serve it. */
  readonly next: Channel | undefined
  readonly breaker: typeof breakerRules
}

export interface RouterParts {
  /** From 0 to below 1. */
  readonly random: () => number
  /** Tells the other replicas. In this process it is in force already. */
  readonly onSuspend: (suspension: Suspension) => void
  /** When the channel's quota is reset next; undefined where it has none. */
  readonly resetOf: (channel: Channel, now: number) => number | undefined
}

const CIRCUIT_OPEN = 'circuit_open'
const SUSPENSION_MS = 5 * 60_000

/** Before the first `load` there are no channels. */
export function createRouter({ random, onSuspend, resetOf }: RouterParts): Router {
  let suspensions = new Map<string, Suspension>()
  let breakers = new Map<string, Breaker>()
  let recents = new Map<string, RecentCalls>()
  let index = indexChannels([], createBreaker)
  let settings: RouterSettings = { strategies: {}, failover: defaultFailover }
  let rules = createRuleTable(settings.failover.rules)
  const keys = createUpstreamKeys(random)

  const suspend = (suspension: Suspension): void => {
    suspensions.set(suspension.channelId, suspension)
    onSuspend(suspension)
  }
  const ground: Ground = {
    index: () => index,
    standingOf: ({ channel: { id }, breaker }, now) => standingOf(suspensions.get(id), breaker, now),
    strategyOf: (pool) => settings.strategies[pool] ?? 'failover',
    turns: new Map(),
    affinity: createAffinity(),
    keys,
    random,
    judge({ channel, breaker }, hasSucceeded, now) {
      const until = breaker.ended(hasSucceeded, now)
      if (until === undefined || isSuspended(suspensions.get(channel.id), now)) return
      suspend({ channelId: channel.id, until, reason: CIRCUIT_OPEN })
    },
    note({ candidate, via, model }, hasServed, status, at) {
      const { channel } = candidate
      const [channelName, routedChannelName] = via ? [via.channel.name, channel.name] : [channel.name, null]
      const named = model?.slice(0, MAX_MODEL_CHARACTERS) ?? null
      const call = { hasServed, status, at, model: named, channelName, routedChannelName }
      for (const one of [candidate, via]) if (one) recents.get(one.channel.id)?.note(call)
    },
    suspend(channel, refusal, now) {
      const until =
        refusal.suspendMs === undefined ? (resetOf(channel, now) ?? now + SUSPENSION_MS) : now + refusal.suspendMs
      suspend({ channelId: channel.id, until, reason: nameOf(refusal) })
    },
  }

  return {
    load(channels, loaded, newSettings, now) {
      const before = suspensions
      suspensions = new Map(loaded.map((suspension) => [suspension.channelId, suspension]))
      breakers = new Map(channels.map(({ id }) => [id, breakers.get(id) ?? createBreaker()]))
      recents = new Map(channels.map(({ id }) => [id, recents.get(id) ?? createRecentCalls()]))
      for (const [id, breaker] of breakers) {
        if (isResumed(before.get(id), suspensions.get(id), now)) breaker.reset()
      }
      index = indexChannels(channels, (id) => breakers.get(id) ?? createBreaker())
      keys.load(channels)
      settings = newSettings
      rules = createRuleTable(settings.failover.rules)
    },
    begin: (call) => new ChainedJourney(call, createChain(rules, settings.failover), ground),
    health(channelId) {
      const [breaker, recent] = [breakers.get(channelId), recents.get(channelId)]
      if (breaker === undefined || recent === undefined) return undefined
      return { failureRate: breaker.failureRate(), openUntil: breaker.openUntil(), ...recent.history() }
    },
    suspendedUntil(channelId, now) {
      const suspension = suspensions.get(channelId)
      return isSuspended(suspension, now) ? suspension?.until : undefined
    },
    scheduling: (pool, now) => schedulingOf(ground, pool, now),
  }
}

function schedulingOf(ground: Ground, pool: Pool, now: number): Scheduling {
  const { byId, lineFor } = ground.index()
  const line = lineFor({ pool, model: undefined, isTranslated: true })
  const next = choose({
    line,
    allows: () => true,
    tried: new Set(),
    familiar: undefined,
    strategy: ground.strategyOf(pool),
    lastTurn: byId.get(ground.turns.get(pool) ?? ''),
    standingOf: (candidate) => ground.standingOf(candidate, now),
    now,
    random: () => 0, // the first
  })
  return {
    channels: line.candidates.length,
    conversations: ground.affinity.count(`${pool} `, now),
    conversationMs: CONVERSATION_MS,
    next: next?.channel,
    breaker: breakerRules,
  }
}

function standingOf(suspension: Suspension | undefined, breaker: Breaker, now: number): Standing {
  if (isSuspended(suspension, now)) return 'closed'
  const isIll = isInForce(suspension, now) || !breaker.isClosed(now)
  return isIll ? 'ill' : 'well'
}

function isSuspended(suspension: Suspension | undefined, now: number): boolean {
  return isInForce(suspension, now) && suspension?.reason !== CIRCUIT_OPEN
}

function isInForce(suspension: Suspension | undefined, now: number): boolean {
  return suspension !== undefined && suspension.until > now
}

/** Somebody has lifted it before its time: the channel starts anew. */
function isResumed(before: Suspension | undefined, after: Suspension | undefined, now: number): boolean {
  return isInForce(before, now) && after === undefined
}

function nameOf({ status, subtype }: Refusal): string {
  return subtype === undefined ? String(status) : `${status}:${subtype}`
}
