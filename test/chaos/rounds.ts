import { until } from '../support/gateway.ts'
import type { Member } from './crew.ts'
import type { Random } from './random.ts'
import type { Traffic } from './traffic.ts'

/** What is drawn for a fault before it begins, so that the seed decides it and not the course of things. */
export interface Draw<Stage> {
  readonly stage: Stage
  readonly member: Member
  /** How long or how much, between 0 and 1. */
  readonly extent: number
  /** Decides between variants, between 0 and 1. */
  readonly variant: number
}

export interface Fault<Stage> {
  readonly kind: string
  /** What it takes hold of. Faults that meet nowhere may happen at the same time. */
  readonly holds: 'a gateway' | 'the database' | 'everything'
  readonly weight: number
  /** Begins, lasts and heals. */
  readonly run: (draw: Draw<Stage>) => Promise<void>
}

/** One line of the list that is printed when a run fails. */
interface Happened {
  readonly at: string
  readonly kind: string
  readonly member: string
  readonly extent: number
  readonly variant: number
}

export interface Rounds<Stage> {
  readonly happened: readonly Happened[]
  /** One fault, or two at a time. */
  next(stage: Stage): Promise<void>
  /** How many faults of each kind there were. */
  byKind(): Readonly<Record<string, number>>
}

const SECOND_FAULT = 0.3

export function createRounds<Stage>(
  random: Random,
  faults: readonly [Fault<Stage>, ...Fault<Stage>[]],
  members: readonly [Member, ...Member[]],
): Rounds<Stage> {
  const happened: Happened[] = []
  const bag = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)) as [Fault<Stage>] // safe: weights are positive

  const begin = (stage: Stage, { kind, run }: Fault<Stage>, member: Member): Promise<void> => {
    const [extent, variant] = [random.next(), random.next()]
    happened.push({ at: new Date().toISOString(), kind, member: member.name, extent, variant })
    return run({ stage, member, extent, variant })
  }
  return {
    happened,
    async next(stage) {
      const first = random.pick(bag)
      const member = random.pick(members)
      const second = random.pick(bag)
      const others = members.filter((other) => other !== member)
      const other = others[Math.floor(random.next() * others.length)]
      const isTwo = random.chance(SECOND_FAULT) && other !== undefined && meetNowhere(first, second)
      await Promise.all([begin(stage, first, member), ...(isTwo ? [begin(stage, second, other)] : [])])
    },
    byKind() {
      const counts: Record<string, number> = {}
      for (const { kind } of happened) counts[kind] = (counts[kind] ?? 0) + 1
      return counts
    },
  }
}

function meetNowhere(first: Fault<never>, second: Fault<never>): boolean {
  if (first.holds === 'everything' || second.holds === 'everything') return false
  return first.holds === 'a gateway' || second.holds === 'a gateway'
}

/** Resolves when so many more calls have been answered. */
export async function pass(traffic: Traffic, calls: number): Promise<void> {
  const goal = traffic.completed() + calls
  await until(`${calls} more calls are answered`, () => traffic.completed() >= goal, 30_000)
}
