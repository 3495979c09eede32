import type { Balance, Channel, ChannelKey, Pool } from '../domain/channel.ts'
import type { Affinity } from './affinity.ts'
import { type Allowance, allowanceOf } from './allowance.ts'
import { type Candidate, type ChannelIndex, takes } from './candidates.ts'
import type { Chain } from './chain.ts'
import { choose, chooseTarget, type Standing, whyNone } from './choose.ts'
import { type CompositeRoute, resolveComposite } from './composite.ts'
import type { Failure, Refusal } from './failure.ts'
import type { EndReason, Journey, RoutedCall, Step } from './journey.ts'
import { mapModel } from './model-mapping.ts'
import type { Effort } from './model-name.ts'
import type { UpstreamKeys } from './upstream-keys.ts'

/** What a journey needs of the router. */
export interface Ground {
  /** Of the configuration as it is now. */
  index(): ChannelIndex
  standingOf(candidate: Candidate, now: number): Standing
  readonly strategyOf: (pool: Pool) => Balance
  /** By pool: the channel that had the last turn. */
  readonly turns: Map<Pool, string>
  readonly affinity: Affinity
  readonly keys: UpstreamKeys
  readonly random: () => number
  /** The channel failed a call, or did not. */
  judge(candidate: Candidate, hasSucceeded: boolean, now: number): void
  /** For people: how an attempt ended. A composite that sent the call on hears of it, too. */
  note(stop: Pick<Stop, 'candidate' | 'via' | 'model'>, hasServed: boolean, status: number | null, now: number): void
  /** Nothing more is sent to the channel for a while, because of the failure. */
  suspend(channel: Channel, refusal: Refusal, now: number): void
}

/** Where the call is: the channel, and the key of it. */
interface Stop {
  readonly candidate: Candidate
  readonly via: Candidate | undefined
  readonly model: string | undefined
  readonly effort: Effort | undefined
  readonly key: ChannelKey | undefined
  /** The keys of the channel that the call is done with. */
  readonly triedKeys: Set<string>
  /** When the channel is asked again. */
  readonly goesAt: number
}

interface CompositeStay {
  readonly candidate: Candidate
  readonly route: CompositeRoute
}

const MAX_ATTEMPTS = 200
/** An answer that has begun. */
const OK = 200

export class ChainedJourney implements Journey {
  private readonly call: RoutedCall
  private readonly allows: Allowance
  private readonly chain: Chain
  private readonly ground: Ground
  /** Ids of the channels that the call is done with. */
  private readonly tried = new Set<string>()
  private stop: Stop | undefined
  private composite: CompositeStay | undefined
  private attempts = 0
  private endReason: EndReason | undefined

  constructor(call: RoutedCall, chain: Chain, ground: Ground) {
    this.call = call
    this.allows = allowanceOf(call.allowedChannels)
    this.chain = chain
    this.ground = ground
  }

  next(now: number): Step {
    if (this.endReason === undefined && now >= this.call.deadlineAt) this.end('deadline', now)
    if (this.endReason === undefined && this.attempts >= MAX_ATTEMPTS) this.end('exhausted', now)
    if (this.endReason !== undefined) return { kind: 'end', reason: this.endReason }

    if (this.stop !== undefined && now < this.stop.goesAt) return { kind: 'wait', waitMs: this.stop.goesAt - now }
    const stop = (this.stop && this.stay(this.stop, now)) ?? this.arrive(now)
    if (typeof stop === 'string') {
      this.end(stop, now)
      return { kind: 'end', reason: stop }
    }
    this.stop = stop
    this.attempts += 1
    const { candidate, key, model, effort, via } = stop
    return { kind: 'send', channel: candidate.channel, key, model, effort, via: via?.channel }
  }

  succeeded(now: number): void {
    if (this.stop === undefined) return
    const { candidate, key, via } = this.stop
    const { conversation, pool } = this.call
    this.ground.judge(candidate, true, now)
    this.ground.note(this.stop, true, OK, now)
    if (key !== undefined) this.ground.keys.succeeded(candidate.channel, key)
    if (conversation !== undefined) {
      this.ground.affinity.answered(`${pool} ${conversation}`, (via ?? candidate).channel.id, now)
    }
    this.stop = undefined
    this.endReason = 'answer'
  }

  failed(failure: Failure, now: number): void {
    const { stop } = this
    if (stop === undefined) return
    if (failure.kind === 'busy') {
      stop.candidate.breaker.withdrew()
      return this.leave(stop)
    }
    // A connection says nothing about the key that it was to carry.
    if (failure.kind === 'network') {
      this.ground.note(stop, false, null, now)
      return this.changeKey(stop, now)
    }

    const action = this.chain.next(`${stop.candidate.channel.id} ${stop.key?.id ?? ''}`, failure)
    const hasServed = action.kind === 'none' && failure.status < 500
    this.ground.note(stop, hasServed, failure.status, now)
    if (action.kind === 'none') {
      // A refusal for what the caller asked is a channel that works.
      this.ground.judge(stop.candidate, hasServed, now)
      this.stop = undefined
      this.endReason = 'answer'
      return
    }
    if (action.kind === 'retry' && now + action.waitMs < this.call.deadlineAt) {
      this.stop = { ...stop, goesAt: now + action.waitMs }
      return
    }
    this.rest(stop, action.kind === 'suspend' || isOfQuota(failure), failure, now)
    if (action.kind === 'suspend' && this.ground.keys.isSpent(stop.candidate.channel, now)) {
      stop.candidate.breaker.withdrew()
      this.ground.suspend(stop.candidate.channel, failure, now)
      return this.leave(stop)
    }
    this.changeKey(stop, now)
  }

  inQuestion(): readonly Channel[] {
    const { candidates } = this.ground.index().lineFor(this.call)
    const allowed = candidates.filter(({ channel }) => this.allows(channel.id))
    const targets = this.composite === undefined ? [] : this.targetsOf(this.composite.route)
    return [...allowed, ...targets].map(({ channel }) => channel)
  }

  /** Where the call stays: to try again, or with another key. Undefined where the channel serves no longer. */
  private stay(stop: Stop, now: number): Stop | undefined {
    const candidate = this.ground.index().byId.get(stop.candidate.channel.id)
    if (candidate !== undefined && takes(candidate, this.call) && this.standingOf(candidate, now) !== 'closed') {
      const { channel } = candidate
      const key = this.keyAgain(stop, channel, now)
      if (key !== undefined || channel.keys.length === 0) return { ...stop, candidate, key }
    }
    this.ground.judge(stop.candidate, false, now)
    this.leave(stop)
    return undefined
  }

  private keyAgain({ key, triedKeys }: Stop, channel: Channel, now: number): ChannelKey | undefined {
    const { keys } = this.ground
    const same = channel.keys.find(({ id }) => id === key?.id && !triedKeys.has(id))
    if (same !== undefined && keys.isReady(channel, same, now)) return same
    return keys.another(channel, this.balanceOf(channel), triedKeys, now) ?? same
  }

  /** Where the call goes next. */
  private arrive(now: number): Stop | EndReason {
    if (this.composite !== undefined) return this.arriveAtTarget(this.composite, now)
    const { pool, model, conversation } = this.call
    const { affinity, strategyOf, turns, random } = this.ground
    const { byId, pools, lineFor } = this.ground.index()
    const known = conversation === undefined ? undefined : affinity.channelOf(`${pool} ${conversation}`, now)
    const chosen = choose({
      line: lineFor(this.call),
      allows: this.allows,
      tried: this.tried,
      familiar: known === undefined ? undefined : byId.get(known),
      strategy: strategyOf(pool),
      lastTurn: byId.get(turns.get(pool) ?? ''),
      standingOf: (candidate) => this.standingOf(candidate, now),
      now,
      random,
    })
    if (chosen === undefined && this.tried.size > 0) return 'exhausted'
    if (chosen === undefined) return whyNone(pools.get(pool) ?? [], model, this.allows)
    turns.set(pool, chosen.channel.id)
    if (chosen.channel.serviceType !== 'composite') return this.stopAt(chosen, model, undefined, now)

    const route = model === undefined ? undefined : resolveComposite(chosen.channel, model)
    if (route === undefined) return 'composite_unmatched'
    this.composite = { candidate: chosen, route }
    return this.arriveAtTarget(this.composite, now)
  }

  /** A composite is not left: who asked for its choice does not get another. */
  private arriveAtTarget({ candidate, route }: CompositeStay, now: number): Stop | EndReason {
    const target = chooseTarget(this.targetsOf(route), {
      tried: this.tried,
      standingOf: (other) => this.standingOf(other, now),
    })
    return target === undefined ? 'composite_exhausted' : this.stopAt(target, route.model, candidate, now)
  }

  private targetsOf({ targets }: CompositeRoute): readonly Candidate[] {
    const { byId } = this.ground.index()
    return targets.flatMap((id) => byId.get(id) ?? []).filter((target) => takes(target, this.call))
  }

  private stopAt(candidate: Candidate, asked: string | undefined, via: Candidate | undefined, now: number): Stop {
    const { channel, breaker } = candidate
    const mapped = asked === undefined ? { model: undefined, effort: undefined } : mapModel(asked, channel.modelMapping)
    breaker.began(now)
    const key = this.ground.keys.first(channel, this.balanceOf(channel), now)
    return { candidate, via, ...mapped, key, triedKeys: new Set(), goesAt: now }
  }

  private rest({ candidate, key }: Stop, isSpent: boolean, { waitMs, suspendMs }: Refusal, now: number): void {
    if (key === undefined) return
    this.ground.keys.failed(candidate.channel, key, { isSpent, minMs: suspendMs ?? waitMs ?? 0 }, now)
  }

  /** On to another key of the channel, or else to another channel. */
  private changeKey(stop: Stop, now: number): void {
    const { channel } = stop.candidate
    if (stop.key !== undefined) stop.triedKeys.add(stop.key.id)
    const key = this.ground.keys.another(channel, this.balanceOf(channel), stop.triedKeys, now)
    if (key !== undefined) {
      this.stop = { ...stop, key, goesAt: now }
      return
    }
    this.ground.judge(stop.candidate, false, now)
    this.leave(stop)
  }

  private leave({ candidate }: Stop): void {
    this.tried.add(candidate.channel.id)
    this.stop = undefined
  }

  private end(reason: EndReason, now: number): void {
    if (this.stop !== undefined) this.ground.judge(this.stop.candidate, false, now)
    this.stop = undefined
    this.endReason = reason
  }

  private standingOf(candidate: Candidate, now: number): Standing {
    if (this.call.hasRoom?.(candidate.channel) === false) return 'closed'
    return this.ground.standingOf(candidate, now)
  }

  private balanceOf({ keyBalance, pool }: Channel): Balance {
    return keyBalance ?? this.ground.strategyOf(pool)
  }
}

function isOfQuota({ subtype }: Refusal): boolean {
  return subtype === 'QUOTA_EXHAUSTED' || subtype === 'CREDIT_EXHAUSTED'
}
