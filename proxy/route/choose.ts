import type { Balance } from '../domain/channel.ts'
import type { Allowance } from './allowance.ts'
import type { Candidate, Line } from './candidates.ts'

/**
 * How a channel stands now. `closed`: nothing may be sent to it. `ill`: its last calls went badly, so it is taken when
 * there is no other.
 */
export type Standing = 'well' | 'ill' | 'closed'

export interface Selection {
  readonly line: Line
  readonly allows: Allowance
  /** Ids of channels that this call is done with. */
  readonly tried: ReadonlySet<string>
  /** The channel that knows the conversation. */
  readonly familiar: Candidate | undefined
  readonly strategy: Balance
  /** The channel that had the last turn, where they take turns. */
  readonly lastTurn: Candidate | undefined
  standingOf(candidate: Candidate): Standing
  readonly now: number
  readonly random: () => number
}

/**
 * The channel for a call: one that is promoted, else the one that knows the conversation, else by the strategy of the
 * pool; and where none is well, the one of whose last calls the fewest failed. It is asked with every call: it looks at
 * no more channels than it has to.
 */
export function choose(selection: Selection): Candidate | undefined {
  const { line, allows, tried, familiar, now } = selection
  const standingOf = (candidate: Candidate): Standing => {
    const { id } = candidate.channel
    return tried.has(id) || !allows(id) ? 'closed' : selection.standingOf(candidate)
  }
  const isWell = (candidate: Candidate): boolean => standingOf(candidate) === 'well'
  const promoted = line.promoted.find((one) => (one.channel.promotionUntil ?? 0) > now && isWell(one))
  if (promoted !== undefined) return promoted
  if (familiar !== undefined && line.candidates.includes(familiar) && isWell(familiar)) return familiar
  return byStrategy(selection, isWell) ?? leastFailing(line.candidates, standingOf)
}

function byStrategy(
  { line: { candidates }, strategy, lastTurn, random }: Selection,
  isWell: (candidate: Candidate) => boolean,
): Candidate | undefined {
  if (strategy === 'random') return drawn(candidates, isWell, random)
  if (strategy === 'failover' || lastTurn === undefined) return candidates.find(isWell)
  const isNext = (one: Candidate): boolean => one.place > lastTurn.place && isWell(one)
  return candidates.find(isNext) ?? candidates.find(isWell)
}

/** Each that is well with the same chance: what is drawn and is not well is not put back. */
function drawn(
  candidates: readonly Candidate[],
  isWell: (candidate: Candidate) => boolean,
  random: () => number,
): Candidate | undefined {
  const left = [...candidates]
  while (left.length > 0) {
    const at = Math.floor(random() * left.length)
    const candidate = left[at]
    if (candidate === undefined || isWell(candidate)) return candidate
    left[at] = left.at(-1) ?? candidate
    left.pop()
  }
  return undefined
}

/** The target of a composite: the first that is well, else the one of whose last calls the fewest failed. */
export function chooseTarget(
  targets: readonly Candidate[],
  { tried, standingOf }: Pick<Selection, 'tried' | 'standingOf'>,
): Candidate | undefined {
  const left = targets.filter(({ channel }) => !tried.has(channel.id))
  return left.find((target) => standingOf(target) === 'well') ?? leastFailing(left, standingOf)
}

/** Of those that are not closed; of several the first. */
function leastFailing(
  candidates: readonly Candidate[],
  standingOf: (candidate: Candidate) => Standing,
): Candidate | undefined {
  let least: Candidate | undefined
  for (const candidate of candidates) {
    const isLess = least === undefined || candidate.breaker.failureRate() < least.breaker.failureRate()
    if (isLess && standingOf(candidate) !== 'closed') least = candidate
  }
  return least
}

export type NoChoice = 'none_allowed' | 'none_for_model' | 'none'

/** Why there is no channel in a pool for a call, whatever the health of its channels. */
export function whyNone(pool: readonly Candidate[], model: string | undefined, allows: Allowance): NoChoice {
  const open = pool.filter(({ channel }) => allows(channel.id))
  if (pool.length > 0 && open.length === 0) return 'none_allowed'
  return open.length > 0 && model !== undefined && !open.some(({ serves }) => serves(model)) ? 'none_for_model' : 'none'
}
