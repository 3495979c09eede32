import type { Balance, Channel, Pool } from '../domain/channel.ts'
import type { Breaker } from './breaker.ts'
import { compileModels } from './model-name.ts'

/** A channel with what is worked out once, and not with every call. */
export interface Candidate {
  readonly channel: Channel
  /** By its settings: active, without a fault, and with a credential or somewhere to send on to. */
  readonly isUsable: boolean
  serves(model: string): boolean
  readonly breaker: Breaker
}

/**
 * How a channel stands now. `closed`: nothing may be sent to it. `ill`: its last calls went badly, so it is taken when
 * there is no other.
 */
export type Standing = 'well' | 'ill' | 'closed'

/** The channels by id, and those of each pool in the order in which they are tried. */
export interface ChannelIndex {
  readonly byId: ReadonlyMap<string, Candidate>
  readonly pools: ReadonlyMap<Pool, readonly Candidate[]>
}

export function indexChannels(channels: readonly Channel[], breakerOf: (channelId: string) => Breaker): ChannelIndex {
  const candidates = channels.map((channel) => candidateOf(channel, breakerOf(channel.id))).toSorted(byPriority)
  return {
    byId: new Map(candidates.map((candidate) => [candidate.channel.id, candidate])),
    pools: Map.groupBy(candidates, ({ channel }) => channel.pool),
  }
}

function candidateOf(channel: Channel, breaker: Breaker): Candidate {
  const { status, fault, keys, oauth, compositeMappings } = channel
  const canSend = channel.serviceType === 'composite' ? compositeMappings.length > 0 : keys.length > 0 || oauth !== null
  return {
    channel,
    isUsable: status === 'active' && fault === null && canSend,
    serves: compileModels(channel.models),
    breaker,
  }
}

function byPriority({ channel: one }: Candidate, { channel: other }: Candidate): number {
  return (one.priority || one.position) - (other.priority || other.position) || one.position - other.position
}

export interface Selection {
  /** Of the pool, in order. */
  readonly candidates: readonly Candidate[]
  /** Undefined is any: the call names none. */
  readonly model: string | undefined
  /** Ids; undefined is all. */
  readonly allowed: ReadonlySet<string> | undefined
  /** Ids of channels that this call is done with. */
  readonly tried: ReadonlySet<string>
  /** The channel that knows the conversation. */
  readonly affinity: string | undefined
  readonly strategy: Balance
  /** The channel that had the last turn, where they take turns. */
  readonly lastTurn: string | undefined
  standingOf(candidate: Candidate): Standing
  readonly now: number
  random(): number
}

export type NoChoice = 'none_allowed' | 'none_for_model' | 'none'

/**
 * The channel for a call: one that is promoted, else the one that knows the conversation, else by the strategy of the
 * pool; and where none is well, the one of whose last calls the fewest failed. It is asked with every call, over all
 * channels: one pass, and nothing is allocated.
 */
export function choose(selection: Selection): Candidate | NoChoice {
  const { candidates, model, allowed, tried, affinity, strategy, lastTurn, now } = selection
  let reason: NoChoice = candidates.length === 0 ? 'none' : 'none_allowed'
  let isPastLast = false
  let well = 0
  let familiar: Candidate | undefined
  let first: Candidate | undefined
  let next: Candidate | undefined
  let anyone: Candidate | undefined
  let leastFailing: Candidate | undefined
  let promoted: Candidate | undefined

  for (const candidate of candidates) {
    const { id, promotionUntil } = candidate.channel
    const isPast = isPastLast
    if (id === lastTurn) isPastLast = true
    if (allowed !== undefined && !allowed.has(id)) continue
    if (reason === 'none_allowed') reason = 'none_for_model'
    if (model !== undefined && !candidate.serves(model)) continue
    reason = 'none'
    if (!candidate.isUsable || tried.has(id)) continue
    const standing = selection.standingOf(candidate)
    if (standing === 'closed') continue
    if (standing === 'ill') {
      leastFailing = lessFailing(leastFailing, candidate)
      continue
    }
    if (promotionUntil !== null && promotionUntil > now) promoted ??= candidate
    if (id === affinity) familiar = candidate
    first ??= candidate
    if (isPast) next ??= candidate
    well += 1
    if (strategy === 'random' && selection.random() * well < 1) anyone = candidate // each with the same chance
  }

  const inTurn = strategy === 'round-robin' ? (next ?? first) : strategy === 'random' ? anyone : first
  return promoted ?? familiar ?? inTurn ?? leastFailing ?? reason
}

/** The target of a composite: the first that is well, else the one of whose last calls the fewest failed. */
export function chooseTarget(
  targets: readonly Candidate[],
  { tried, standingOf }: Pick<Selection, 'tried' | 'standingOf'>,
): Candidate | undefined {
  let leastFailing: Candidate | undefined
  for (const target of targets) {
    if (!target.isUsable || tried.has(target.channel.id)) continue
    const standing = standingOf(target)
    if (standing === 'well') return target
    if (standing === 'ill') leastFailing = lessFailing(leastFailing, target)
  }
  return leastFailing
}

function lessFailing(one: Candidate | undefined, other: Candidate): Candidate {
  return one === undefined || other.breaker.failureRate() < one.breaker.failureRate() ? other : one
}
