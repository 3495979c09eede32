import type { Channel, Pool } from '../domain/channel.ts'
import type { Breaker } from './breaker.ts'
import type { RoutedCall } from './journey.ts'
import { compileModels, MAX_MODEL_CHARACTERS } from './model-name.ts'
import { formatOf } from './target.ts'

/** A channel with what is worked out once, and not with every call. */
export interface Candidate {
  readonly channel: Channel
  /** By its settings: active, without a fault, of a type that is served, with a credential or somewhere to send on to. */
  readonly isUsable: boolean
  readonly serves: (model: string) => boolean
  readonly breaker: Breaker
  /** Among all channels in the order in which they are tried. */
  readonly place: number
}

/** The channels that take a call by what only a new configuration changes, in the order in which they are tried. */
export interface Line {
  readonly candidates: readonly Candidate[]
  /** Those of them that are, or were, promoted. */
  readonly promoted: readonly Candidate[]
}

/** The channels by id, and those of each pool in the order in which they are tried. */
export interface ChannelIndex {
  readonly byId: ReadonlyMap<string, Candidate>
  readonly pools: ReadonlyMap<Pool, readonly Candidate[]>
  readonly lineFor: (call: Lined) => Line
}

type Lined = Pick<RoutedCall, 'pool' | 'model' | 'isTranslated'>

/** Callers name models: when they have named so many, the lines are made anew. */
const MAX_LINES = 500

export function indexChannels(channels: readonly Channel[], breakerOf: (channelId: string) => Breaker): ChannelIndex {
  const candidates = channels
    .toSorted(byPriority)
    .map((channel, place) => candidateOf(channel, breakerOf(channel.id), place))
  const pools = Map.groupBy(candidates, ({ channel }) => channel.pool)
  const lines = new Map<string, Line>()
  return {
    byId: new Map(candidates.map((candidate) => [candidate.channel.id, candidate])),
    pools,
    lineFor(call) {
      const { pool, model, isTranslated } = call
      const all = pools.get(pool) ?? []
      if (model !== undefined && model.length > MAX_MODEL_CHARACTERS) return lineOf(all, call)
      const kind = `${pool} ${isTranslated}`
      const name = model === undefined ? kind : `${kind} ${model}`
      let line = lines.get(name)
      if (line === undefined) {
        line = lineOf(all, call)
        if (lines.size >= MAX_LINES) lines.clear()
        lines.set(name, line)
      }
      return line
    },
  }
}

function candidateOf(channel: Channel, breaker: Breaker, place: number): Candidate {
  const { status, fault, serviceType, keys, oauth, compositeMappings } = channel
  const canSend =
    serviceType === 'composite'
      ? compositeMappings.length > 0
      : formatOf(channel) !== undefined && (keys.length > 0 || oauth !== null)
  return {
    channel,
    isUsable: status === 'active' && fault === null && canSend,
    serves: compileModels(channel.models),
    breaker,
    place,
  }
}

function byPriority(one: Channel, other: Channel): number {
  return (one.priority || one.position) - (other.priority || other.position) || one.position - other.position
}

/** Whether calls of a kind can be sent to a channel, whatever their model. */
export function takes({ channel, isUsable }: Candidate, { pool, isTranslated }: Lined): boolean {
  return isUsable && (isTranslated || formatOf(channel) === pool)
}

function lineOf(candidates: readonly Candidate[], call: Lined): Line {
  const { model } = call
  const line = candidates.filter((one) => takes(one, call) && (model === undefined || one.serves(model)))
  return { candidates: line, promoted: line.filter(({ channel }) => channel.promotionUntil !== null) }
}
