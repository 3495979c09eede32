import type { Channel } from '../domain/channel.ts'
import { type ChannelLine, createChannelLine, LOOK_AGAIN_MS } from './channel-line.ts'
import { LeasedPot } from './leased-pot.ts'
import { createLocalPot } from './local-pot.ts'
import type { Pot } from './pot.ts'
import { REQUEST_WINDOW } from './spans.ts'

export interface ChannelGateParts {
  readonly now: () => number
  /** Where replicas share the limits: sees to the leases of a pot, and hurries when a call waits for one. */
  readonly leases: { keep(pot: LeasedPot): void; hurry(): void } | undefined
}

export interface ChannelGate {
  /**
   * Takes one of the requests that the channel has in a minute. False where it has none left, and its queue is full, or
   * was waited in for as long as it lets one wait, or until `deadlineAt`, or until the caller is `gone`.
   */
  enter(channel: Channel, deadlineAt: number, gone?: AbortSignal): Promise<boolean>
  /** Leases have come: who is first in a queue looks again. */
  wake(): void
}

/** The minute of one channel, and who waits for it. */
interface Gate {
  channel: Channel
  readonly line: ChannelLine<true>
}

export function createChannelGate({ now, leases }: ChannelGateParts): ChannelGate {
  const gates = new Map<string, Gate>()

  const gateOf = (channel: Channel): Gate => {
    let gate = gates.get(channel.id)
    if (gate === undefined) {
      const pot = potOf(channel.id)
      const line = createChannelLine({
        now,
        take: () => take(pot),
        endsAt: (at) => pot.endsAt(at),
        hurry: () => leases?.hurry(),
      })
      gates.set(channel.id, (gate = { channel, line }))
    }
    gate.channel = channel // its limit may have been changed
    return gate
  }
  const potOf = (id: string): Pot => {
    const limit = (): number => gates.get(id)?.channel.rpm ?? Infinity
    const span = () => REQUEST_WINDOW
    if (leases === undefined) return createLocalPot({ span, limit, buckets: [], countsAtOnce: true })
    const before = { used: 0, replicas: 1 }
    const subject = `channel:${id}`
    return new LeasedPot({ subject, unit: 'requests', span, limit, countsAtOnce: true, isInLedger: false, before })
  }
  const take = (pot: Pot): true | undefined => {
    const at = now()
    if (pot instanceof LeasedPot) leases?.keep(pot)
    const { kind } = pot.verdict(1, at, pot) // only who is first asks
    // A store that is away is no reason to leave a channel alone: its own upstream says so when it is too much.
    if (kind !== 'admit' && kind !== 'unknown') return undefined
    pot.reserve(1, at)
    return true
  }

  return {
    async enter(channel, deadlineAt, gone) {
      if (channel.rpm === null) return true
      const { line } = gateOf(channel)
      // Where leases are new, or on their way, the first answer is worth waiting for though nobody queues.
      const waitMs = channel.queue?.timeoutMs ?? (leases ? LOOK_AGAIN_MS : 0)
      const isFull = line.length >= channel.rpm
      const until = isFull ? -Infinity : Math.min(now() + waitMs, deadlineAt)
      return (await line.enter(1, until, gone)) ?? false
    },
    wake() {
      for (const { line } of gates.values()) line.wake()
    },
  }
}
